import type { RemoveInstance, StopInstance } from "../model/action.ts";
import { MAINTENANCE_MARK } from "../model/labels.ts";
import type { Engine } from "../ports/engine.ts";
import { EngineError } from "../ports/engine.ts";
import { RegistryError } from "../ports/registry.ts";
import type { Hands } from "./hands.ts";
import { engineOf } from "./hands.ts";

/**
 * The path of a stop: Consul maintenance on, so that nobody is routed there any more; time for routes to drop it; stop
 * with the grace time; deregister; remove. Every step may be repeated after a crash between any two of them.
 */
export async function stopInstance(hands: Hands, action: StopInstance): Promise<string | null> {
  const engine = engineOf(hands, action.host);
  if (action.registration !== null) {
    const { node, id } = action.registration;
    hands.fence();
    await takeOutOfService(hands, action, node, id);
    if (action.drainMs > 0) await hands.clock.sleep(action.drainMs);
  }
  hands.fence();
  await engine.stop(action.containerId, action.graceMs);
  return clearAway(hands, action);
}

/** Clears away a container that has ended: its last words are kept as the note. */
export async function removeInstance(hands: Hands, action: RemoveInstance): Promise<string | null> {
  return clearAway(hands, action);
}

const LAST_LINES = 5;

async function clearAway(hands: Hands, action: StopInstance | RemoveInstance): Promise<string | null> {
  const engine = engineOf(hands, action.host);
  const lastWords = action.kind === "remove-instance" ? await lastOutputOf(engine, action.containerId) : "";
  if (action.registration !== null) {
    const { node, id } = action.registration;
    await mustHaveEnded(engine, action);
    hands.fence();
    await toleratingUnknown(() => hands.registry.deregister(node, id));
  }
  // That may have taken long.
  await mustHaveEnded(engine, action);
  hands.fence();
  await engine.remove(action.containerId);
  return lastWords === "" ? null : `last output: ${lastWords}`;
}

/** Its engine may have started it again since it was seen: one that runs is stopped before it is removed. */
async function mustHaveEnded(
  engine: Engine,
  { kind, containerId, name }: StopInstance | RemoveInstance,
): Promise<void> {
  if (kind === "stop-instance") return;
  const state = (await engine.inspect(containerId))?.state;
  if (state === "running" || state === "restarting" || state === "paused")
    throw new EngineError("conflict", `${name} has been started again`);
}

/** Where nobody is routed there anyway, an agent that does not answer is no reason to let the instance run on. */
async function takeOutOfService(hands: Hands, action: StopInstance, node: string, id: string): Promise<void> {
  try {
    await toleratingUnknown(() => hands.registry.setMaintenance(node, id, MAINTENANCE_MARK + action.because.rule));
  } catch (error) {
    if (action.drainMs > 0 || !(error instanceof RegistryError)) throw error;
  }
}

/** For the history only: an engine that keeps no logs, or cannot read them now, does not keep the container. */
async function lastOutputOf(engine: Engine, containerId: string): Promise<string> {
  try {
    return await engine.lastOutput(containerId, LAST_LINES);
  } catch (error) {
    if (error instanceof EngineError) return "";
    throw error;
  }
}

/** A registration that the agent does not know (any more) is what was wanted. */
async function toleratingUnknown(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof RegistryError) || error.kind !== "refused") throw error;
  }
}
