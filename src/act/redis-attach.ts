import type { AttachReplica } from "../model/action.ts";
import type { Service } from "../model/service.ts";
import type { Hands } from "./hands.ts";
import { ActionRefused, engineOf } from "./hands.ts";
import { accessOf, endpointOf, toolsOf } from "./redis-access.ts";
import { configureNode } from "./redis-configure.ts";

const SAVE_WITHIN_MS = 300_000;
const COPY_WITHIN_MS = 300_000;

/**
 * Makes a node a replica. Data that the master does not have is written to a file of its own beside the node's first;
 * when that is not possible the node stays as it is, untagged, and a person is told.
 */
export async function attachReplica(hands: Hands, service: Service, action: AttachReplica): Promise<string | null> {
  const { nodes } = toolsOf(hands);
  const access = await accessOf(hands, service);
  const at = endpointOf(access, action.node);
  const kept = action.keepAsideAs === null ? null : await keepAside(hands, service, action, action.keepAsideAs);
  const note = await configureNode(hands, service, access, action.node);
  hands.fence();
  await nodes.follow(at, action.master.peer);
  const notes = [kept === null ? null : `its own data was kept aside as ${kept}`, note].filter((one) => one !== null);
  return notes.length === 0 ? null : notes.join("; ");
}

/** Resolves to the path of the copy, within the node's container and so on its volume. */
async function keepAside(hands: Hands, service: Service, { node }: AttachReplica, as: string): Promise<string> {
  const { nodes } = toolsOf(hands);
  const engine = engineOf(hands, node.host);
  hands.fence();
  const file = await nodes.save(endpointOf(await accessOf(hands, service), node), SAVE_WITHIN_MS);
  const copy = `${file}.${as}`;
  if (engine.run === undefined) throw new ActionRefused(`the engine of ${node.host} cannot copy files`, "never");
  hands.fence();
  const outcome = await engine.run(node.containerId, ["cp", file, copy], COPY_WITHIN_MS);
  if (outcome.exitCode === 0) return copy;
  throw new ActionRefused(
    `${node.name} holds data that the master does not have, and it could not be kept aside as ${copy}: ${outcome.output}`,
    "later",
  );
}
