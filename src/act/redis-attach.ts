import type { AttachReplica } from "../model/action.ts";
import type { Service } from "../model/service.ts";
import { RedisError } from "../ports/redis.ts";
import type { Hands } from "./hands.ts";
import { ActionRefused, engineOf } from "./hands.ts";
import type { RedisAccess } from "./redis-access.ts";
import { accessOf, endpointOf, rolesOf, toolsOf } from "./redis-access.ts";
import { configureNode } from "./redis-configure.ts";

const SAVE_WITHIN_MS = 300_000;
const LINK_WITHIN_MS = 10_000;
const COPY_WITHIN_MS = 300_000;
const ASK_WITHIN_MS = 500;
const ASK_EVERY_MS = 250;

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

/** Resolves to the path of the data, within the node's container and so on its volume. */
async function keepAside(hands: Hands, service: Service, action: AttachReplica, as: string): Promise<string> {
  const { node } = action;
  const engine = engineOf(hands, node.host);
  const file = await whileServed(hands, service, action, (access) => {
    hands.fence();
    return toolsOf(hands).nodes.save(endpointOf(access, node), SAVE_WITHIN_MS);
  });
  const copy = `${file}.${as}`;
  if (engine.run === undefined) throw new ActionRefused(`the engine of ${node.host} cannot copy files`, "never");
  hands.fence();
  // Redis replaces its file and never writes into it: another name for it needs neither time nor room.
  const linked = await engine.run(node.containerId, ["ln", "-f", file, copy], LINK_WITHIN_MS);
  if (linked.exitCode === 0) return copy;
  hands.fence();
  const outcome = await engine.run(node.containerId, ["cp", file, copy], COPY_WITHIN_MS);
  if (outcome.exitCode === 0) return copy;
  throw new ActionRefused(
    `${node.name} holds data that the master does not have, and it could not be kept aside as ${copy}: ${outcome.output}`,
    "later",
  );
}

/**
 * Saving may take minutes, and as long as it lasts nothing else is decided about the service. Another master must not wait
 * for that: once this one has been silent for `downAfter`, is another process, or has lost those without whom it takes no
 * writes, the node is left to save by itself, and its data is kept aside later.
 */
async function whileServed<T>(
  hands: Hands,
  service: Service,
  { node, master }: AttachReplica,
  work: (access: RedisAccess) => Promise<T>,
): Promise<T> {
  const access = await accessOf(hands, service);
  const { downAfterMs, minReplicasToWrite } = rolesOf(service);
  const over = new AbortController();
  const unserved = async (): Promise<never> => {
    let servedAtMs = hands.clock.steadyMs();
    let hadEnough = false;
    while (!over.signal.aborted) {
      const now = await toolsOf(hands).nodes.look(endpointOf(access, master), ASK_WITHIN_MS).catch(asNothing);
      const isMaster = now?.role === "master" && now.runId === master.runId;
      const hasEnough = (now?.followers.filter(({ online }) => online).length ?? 0) >= minReplicasToWrite;
      if (isMaster && (hasEnough || !hadEnough)) servedAtMs = hands.clock.steadyMs();
      hadEnough ||= isMaster && hasEnough;
      if (hands.clock.steadyMs() - servedAtMs >= downAfterMs) break;
      await hands.clock.sleep(ASK_EVERY_MS, over.signal);
    }
    throw new ActionRefused(
      `${master.name} does not serve any more; what ${node.name} holds is kept aside later`,
      "later",
    );
  };
  try {
    return await Promise.race([work(access), unserved()]);
  } finally {
    over.abort();
  }
}

/** Whatever a node answers instead, it does not say that it is the master. */
function asNothing(error: unknown): null {
  if (error instanceof RedisError) return null;
  throw error;
}
