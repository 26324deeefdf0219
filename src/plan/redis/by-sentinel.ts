import { keepTags } from "./keep-tags.ts";
import { masterOf, sayingOf } from "./node.ts";
import type { RedisSituation, RedisStep } from "./situation.ts";
import { step, wait } from "./situation.ts";

/** Sentinel decides; only the tags follow, and only what the node itself confirms. */
export function bySentinel(situation: RedisSituation): RedisStep {
  const { sentinel, nodes, memory } = situation;
  const because = { rule: "redis-sentinel", evidence: "Sentinel decides who the master is" };
  if (sentinel === null)
    return wait(situation, because, "unseen", "no Sentinel is named in the service's redis section");
  if (sentinel.kind === "unknown") return wait(situation, because, "unseen", sentinel.reason, { writable: true });
  const { host, port } = sentinel.value;
  const view = nodes.find(({ aliases }) => aliases.some((alias) => alias.host === host && alias.port === port)) ?? null;
  const node = view === null ? null : sayingOf(view);
  if (view === null || node?.role !== "master") {
    const reason =
      view === null ? `${host}:${port} is none of the instances` : `${view.name} does not call itself the master`;
    // A new container may get the address of the one that has ended: Sentinel would take it, empty, for the master.
    const busy = view === null && memory.master !== null && nodes.length > 0;
    const waiting = wait(situation, because, "failing-over", reason, { untilMs: situation.nowMs + 200, busy });
    return { ...waiting, actions: keepTags(situation, null, null) };
  }
  const master = masterOf(view, node);
  return step(
    { kind: "well", sentence: `${view.name} is the master, says Sentinel`, writable: true },
    { memory: { ...memory, master, downSinceMs: null }, actions: keepTags(situation, master, view) },
  );
}
