import type { Tools } from "../act/hands.ts";
import { openApply } from "../act/apply.ts";
import { openStarts } from "../act/starts.ts";
import type { DesiredState } from "../model/service.ts";
import type { Tuning } from "../model/tuning.ts";
import { openFleetTally } from "../observe/fleet-tally.ts";
import { openHolders } from "../observe/holders.ts";
import type { HostMirror } from "../observe/host-mirror.ts";
import { openHostMirror } from "../observe/host-mirror.ts";
import { accessOf } from "../act/redis-access.ts";
import { openLastLooks } from "../observe/last-looks.ts";
import type { Eyes } from "../observe/observe.ts";
import { filterFor, keysOf } from "../observe/ownership.ts";
import { openPictures } from "../observe/pictures.ts";
import { openRedisWatch } from "../observe/redis-watch.ts";
import { openRegistryMirror } from "../observe/registry-mirror.ts";
import { noSwarmMirror, openSwarmMirror } from "../observe/swarm-mirror.ts";
import { derived, servicesBy } from "./derived.ts";
import type { Fence } from "./fence.ts";
import { openNews } from "./news.ts";
import type { Remembering, Reporting, World } from "./reconcile.ts";
import { openTurn } from "./turn.ts";

/** What a world is made of: ports, settings, and where it tells. */
export interface WorldParts {
  readonly tools: Tools;
  readonly desired: () => DesiredState;
  readonly memory: Remembering;
  readonly fence: () => Fence;
  readonly report: Reporting;
  readonly tuning: Tuning;
  /** Services whose containers changed; null: a host began or ceased to answer, which may concern any. */
  readonly onRuntimeChange: (services: readonly string[] | null) => void;
}

/** Puts mirrors before the ports. Nothing is asked of anybody yet. */
export function openWorld(parts: WorldParts): World {
  const { tools, desired, tuning } = parts;
  const { clock } = tools;
  const filter = derived(desired, (state) => filterFor(state, null));
  const filed = derived(desired, (state) => servicesBy(state, keysOf));
  const holders = openHolders<HostMirror>();
  const hosts: readonly HostMirror[] = Object.values(tools.engines).map((engine, position) => {
    const mirror: HostMirror = openHostMirror({
      engine,
      clock,
      filter,
      onChange: (key) => parts.onRuntimeChange(key === null ? null : (filed().get(key) ?? [])),
      onHolder: (key, holds) => holders.note(mirror, position, key, holds),
    });
    return mirror;
  });
  const lastLooks = openLastLooks();
  const starts = openStarts(tools.startsPerHost);
  const nodes = new Map<string, string>();
  const eyes: Eyes = {
    clock,
    hosts,
    holders,
    identities: { nodeOf: (host) => nodes.get(host) ?? null, addresses: tools.hostAddresses },
    registry: openRegistryMirror(tools.registry, clock),
    swarm: tools.swarm === null ? noSwarmMirror : openSwarmMirror(tools.swarm, clock),
    compose: tools.compose,
    tally: openFleetTally(),
    startsUnderWay: starts.underWay,
    ...(tools.redis === undefined
      ? {}
      : {
          redis: openRedisWatch({
            nodes: tools.redis.nodes,
            clock,
            hostAddresses: tools.hostAddresses,
            access: (service) => accessOf(tools, service),
            onChange: parts.onRuntimeChange,
          }),
        }),
    pictures: openPictures(),
    lastLooks,
    learnNodes: async () => {
      await Promise.all(
        hosts.map(async ({ host }) => {
          if (nodes.has(host)) return;
          // An agent that does not answer may answer later; until then the host is known by address or name.
          const node = await tools.registry.nodeOf(host).catch(() => null);
          if (node === null) return;
          nodes.set(host, node);
          lastLooks.forgetAll();
        }),
      );
    },
  };
  return {
    desired,
    eyes,
    memory: parts.memory,
    fence: parts.fence,
    apply: openApply(tools, starts),
    fleetTurn: openTurn(),
    news: openNews(),
    report: parts.report,
    tuning,
    clock,
  };
}
