/**
 * The role is handed over as planned: a person asks for it, the master's instance is to be stopped, or nobody would ever
 * find the master where it is.
 */
import type { SwitchOver } from "../../model/action.ts";
import type { RedisNodeView } from "../../model/redis.ts";
import { whyNot } from "./candidates.ts";
import { isSuperseded } from "./keep-replicas.ts";
import { refOf, sayingOf } from "./node.ts";
import type { RedisSituation, RedisStep } from "./situation.ts";
import { step, wait } from "./situation.ts";

/** A planned change of master, for a person or because the master's instance is to be stopped. */
export function switchTo(
  { service, memory }: RedisSituation,
  from: RedisNodeView,
  to: RedisNodeView,
  others: readonly RedisNodeView[],
  evidence: string,
): SwitchOver {
  return {
    kind: "switch-over",
    service: service.name,
    epoch: memory.epoch + 1,
    from: refOf(from),
    to: refOf(to),
    others: others.filter((one) => sayingOf(one)?.role === "replica").map(refOf),
    because: { rule: "redis-switchover", evidence },
  };
}

/** Who may take over as planned: what may be promoted, and is linked at this moment. */
export function successors(situation: RedisSituation): readonly RedisNodeView[] {
  const { nodes, memory } = situation;
  return nodes
    .filter((view) => view.containerId !== memory.master?.containerId)
    .filter((view) => whyNot(situation, view, memory.master, 0) === null && sayingOf(view)?.follows?.up === true)
    .sort(
      (a, b) =>
        (sayingOf(a)?.priority ?? 0) - (sayingOf(b)?.priority ?? 0) ||
        (sayingOf(b)?.offset ?? 0) - (sayingOf(a)?.offset ?? 0),
    );
}

/**
 * A master whose slot holds another by now hands over to one that is listed: nobody finds it in Consul any more, or
 * where it is listed still, it is removed as soon as its role has gone, and nobody keeps that entry true.
 */
export function relieve(situation: RedisSituation, from: RedisNodeView): RedisStep | null {
  const { service, nodes, silentHosts } = situation;
  if (service.consul === null || silentHosts[from.host] !== undefined) return null;
  const isUnlisted = isSuperseded(situation, from);
  if (!isUnlisted && !isReplaced(situation, from)) return null;
  const to = successors(situation).find(({ registration }) => registration !== null);
  if (to === undefined) return null;
  const others = nodes.filter((one) => one !== to && one !== from);
  const evidence = isUnlisted
    ? `${from.name} is the master and not listed in Consul: its slot holds another`
    : `${from.name} is the master and was replaced: a newer instance of its slot is healthy`;
  return step(
    { kind: "failing-over", sentence: `${evidence}; ${to.name} takes over`, writable: true },
    { actions: [switchTo(situation, from, to, others, evidence)], busy: true },
  );
}

function isReplaced({ instances }: RedisSituation, { containerId }: RedisNodeView): boolean {
  const own = instances.find(({ container }) => container.id === containerId)?.container;
  if (own === undefined || own.slot === null) return false;
  return instances.some(
    ({ container: { slot, generation }, registration }) =>
      slot === own.slot && (generation ?? 0) > (own.generation ?? 0) && registration?.status === "passing",
  );
}

export function wished(situation: RedisSituation, from: RedisNodeView): RedisStep | null {
  const { wish } = situation.memory;
  if (wish === null) return null;
  const isNamed = (view: RedisNodeView): boolean => wish.to === view.name || wish.to === String(view.slot);
  if (wish.to !== null && isNamed(from)) return null;
  const able = successors(situation);
  const to = wish.to === null ? able[0] : able.find(isNamed);
  const because = { rule: "redis-switchover", evidence: `a person asked for ${wish.to ?? "another master"}` };
  if (to === undefined) {
    return wait(situation, because, "none-eligible", "no replica of that name is linked and may take over", {
      writable: true,
    });
  }
  const others = situation.nodes.filter(
    ({ containerId }) => containerId !== to.containerId && containerId !== from.containerId,
  );
  return step(
    { kind: "failing-over", sentence: `${to.name} takes over from ${from.name} as asked`, writable: true },
    { actions: [switchTo(situation, from, to, others, because.evidence)], busy: true },
  );
}
