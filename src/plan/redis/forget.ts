/**
 * An agent that could not be told that its node is no master any more is told as soon as it answers: with tag override it
 * keeps a copy of the tags, and writes it back with the next change of one of its checks, beside the new master's.
 */
import type { ForgetRole } from "../../model/action.ts";
import type { Container } from "../../model/instance.ts";
import type { RedisMemory } from "../../model/redis.ts";
import { refOf } from "./node.ts";
import type { RedisSituation, RedisStep } from "./situation.ts";

const RULE = "redis-tags";

/** What is decided, and beside it what agents are still to forget. */
export function withForgetting(situation: RedisSituation, taken: RedisStep): RedisStep {
  const memory = taken.memory ?? situation.memory;
  const due = Object.entries(memory.untold).filter(([id]) => id !== memory.master?.containerId);
  if (due.length === 0) return taken;
  const { service, nodes, nowMs } = situation;
  const actions = due.flatMap(([id, notBeforeMs]): ForgetRole[] => {
    const view = nodes.find(({ containerId }) => containerId === id);
    if (view === undefined || notBeforeMs > nowMs || situation.silentHosts[view.host] !== undefined) return [];
    const evidence = `when ${view.name} lost the master's tag, the agent of ${view.host} could not be told`;
    return [{ kind: "forget-role", service: service.name, node: refOf(view), because: { rule: RULE, evidence } }];
  });
  const nextMs = Math.min(...due.map(([, notBeforeMs]) => notBeforeMs).filter((atMs) => atMs > nowMs));
  return {
    ...taken,
    actions: [...actions, ...taken.actions],
    lookAgainAtMs: nextMs === Infinity ? taken.lookAgainAtMs : Math.min(taken.lookAgainAtMs ?? Infinity, nextMs),
  };
}

/** Whose agents are still to be told: not those that have ended, whose registrations are taken back anyway. */
export function stillUntold(
  { instances, silentHosts }: RedisSituation,
  { untold }: RedisMemory,
): Readonly<Record<string, number>> {
  if (Object.keys(untold).length === 0) return untold;
  const isOver = (id: string): boolean => {
    const instance = instances.find(({ container }) => container.id === id);
    // A host that does not answer may still run it.
    if (instance === undefined) return Object.keys(silentHosts).length === 0;
    const { container, current } = instance;
    // Its agent was told anew of that name when another took it over.
    if (instances.some((one) => hasTakenOver(one.container, container))) return true;
    return current && container.state !== "running" && container.state !== "paused";
  };
  return Object.fromEntries(Object.entries(untold).filter(([id]) => !isOver(id)));
}

function hasTakenOver(other: Container, { host, slot, generation }: Container): boolean {
  return slot !== null && other.host === host && other.slot === slot && (other.generation ?? 0) > (generation ?? 0);
}
