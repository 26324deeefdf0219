import type { NewRegistration } from "../../src/ports/registry.ts";
import type { FaultKind } from "./faults.ts";
import type { Dice } from "./random.ts";
import type { SimulatedWorld } from "./world.ts";

const done = (): void => {};
const short = [2_000, 30_000] as const;
const long = [20_000, 200_000] as const;

/** What goes wrong with Consul: its servers, its agents, its answers, and what people do to it. */
export const consulFaults: Readonly<Record<string, FaultKind>> = {
  "Consul has no leader": lasting(
    short,
    ({ servers }) => {
      if (!servers.hasLeader()) return null;
      servers.loseLeader();
      return () => servers.electLeader();
    },
    2,
  ),
  "Consul answers with nothing": lasting(short, ({ conditions }) => {
    conditions.empty = true;
    return () => void (conditions.empty = false);
  }),
  "Consul answers with an old picture": lasting(short, ({ conditions }, chance) => {
    conditions.defaultLagMs = chance.int(500, 20_000);
    return () => void (conditions.defaultLagMs = 0);
  }),
  "Consul denies": lasting([20_000, 400_000], ({ conditions }, chance) => {
    conditions.acl = chance.pick(["denied", "filtered"]);
    return () => void (conditions.acl = "open");
  }),
  "Consul loses everything": once((world) => {
    world.servers.wipe();
    world.keys.wipe();
    world.safety.memoryLost();
    world.safety.locksLost();
    world.review();
    for (const agent of world.agents.values()) agent.resyncAfter(world.dice.int(69_000, 101_000));
    return true;
  }, 0.25),
  "Consul's index goes back": once(({ servers }) => {
    servers.setIndexBack();
    return true;
  }),
  "agent crashes and remembers": agentCrash(true),
  "agent crashes and forgets": agentCrash(false),
  "agent hangs": lasting(short, (world, chance) => {
    const agent = chance.pick([...world.agents.values()]);
    if (agent.state() !== "up") return null;
    agent.hang();
    return () => agent.wake();
  }),
  "session destroyed by hand": once(({ keys }) => {
    const { lease } = keys.leader();
    if (lease === null) return false;
    keys.destroySession(lease.sessionId);
    return true;
  }),
  "sessions expire late": lasting(long, ({ keys, plan }, chance) => {
    keys.setExpiryDelay(() => chance.int(0, plan.checkTtlMs));
    return () => keys.setExpiryDelay(() => 0);
  }),
  "catalog entry deleted behind its agent": once((world, chance) => {
    const entries = [...world.agents.values()].flatMap((agent) => world.servers.entriesOf(agent.node));
    if (entries.length === 0) return false;
    const { node, id } = chance.pick(entries);
    world.servers.drop(node, id);
    [...world.agents.values()].find((agent) => agent.node === node)?.resyncAfter(chance.int(69_000, 101_000));
    return true;
  }),
  "somebody else registers the same name": once((world, chance) => {
    const name = chance.pick(world.truth.services()).consul?.name;
    const agent = world.agents.get(chance.pick(world.plan.hosts));
    if (name === undefined || agent?.state() !== "up") return false;
    agent.register(foreignRegistration(name, `foreign-${chance.int(1, 999)}`));
    return true;
  }),
  "Memory overwritten by hand": once((world, chance) => {
    const entries = world.keys.entries("memory/");
    if (entries.length === 0) return false;
    world.safety.memoryLost();
    world.keys.set(chance.pick(entries).key, chance.pick(["", "{", "null", '{"version":99}', "[]"]));
    return true;
  }, 0.5),
};

function once(happen: (world: SimulatedWorld, chance: Dice) => boolean, weight = 1): FaultKind {
  return { lastsMs: null, weight, begin: (world, chance) => (happen(world, chance) ? done : null) };
}

/** Nobody can know better than Consul while Consul is wrong, and for a while after. */
function lasting(
  lastsMs: readonly [number, number],
  begin: (world: SimulatedWorld, chance: Dice) => (() => void) | null,
  weight = 1,
): FaultKind {
  return {
    lastsMs,
    weight,
    begin(world, chance, lasts) {
      const undo = begin(world, chance);
      if (undo !== null) world.truth.disturbed("", world.scheduler.nowMs() + lasts);
      return undo;
    },
  };
}

function agentCrash(keeps: boolean): FaultKind {
  return lasting([1_000, 40_000], (world, chance) => {
    const agent = chance.pick([...world.agents.values()]);
    if (agent.state() !== "up") return null;
    agent.crash();
    return () => agent.start(keeps);
  });
}

function foreignRegistration(name: string, id: string): NewRegistration {
  const nothing = { tags: [], meta: {}, tagOverride: false, health: null } as const;
  return { id, name, address: "10.9.9.9", port: 80, ...nothing, initialStatus: "passing" };
}
