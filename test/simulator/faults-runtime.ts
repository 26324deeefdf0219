import { instanceName } from "../../src/model/labels.ts";
import { healthyBehaviour } from "./container.ts";
import type { Behaviour } from "./container.ts";
import { scaleComposeService } from "./compose.ts";
import { CONSUL } from "./consul-agent.ts";
import type { FaultKind } from "./faults.ts";
import { pickContainer, serviceLabels, startByHand } from "./faults.ts";
import type { Dice } from "./random.ts";
import type { SimulatedWorld } from "./world.ts";

const done = (): void => {};
const short = [5_000, 60_000] as const;
const long = [30_000, 400_000] as const;

/** What goes wrong with containers, engines, hosts, Swarm and Compose. */
export const runtimeFaults: Readonly<Record<string, FaultKind>> = {
  "container crashes": once((world, chance) => {
    const picked = pickContainer(world, chance);
    picked?.host.life.crash(picked.container, chance.pick([0, 1, 137]));
    return picked !== null;
  }, 3),
  "container removed by hand": once((world, chance) => {
    const picked = pickContainer(world, chance);
    if (picked === null || picked.container.swarmTaskId !== null) return false;
    picked.host.remove(picked.container);
    return true;
  }, 2),
  "container stopped by hand": once((world, chance) => {
    const picked = pickContainer(world, chance);
    picked?.host.life.end(picked.container, 143);
    return picked !== null;
  }),
  "container paused by hand": lasting(long, (world, chance) => {
    const picked = pickContainer(world, chance);
    if (picked === null) return null;
    picked.host.life.pause(picked.container);
    return () => picked.host.life.unpause(picked.container);
  }),
  "container falls ill": lasting(
    long,
    (world, chance) => {
      const picked = pickContainer(world, chance);
      if (picked === null) return null;
      picked.host.life.setSick(picked.container, true);
      return () => picked.host.life.setSick(picked.container, false);
    },
    2,
  ),
  "container started by hand": once((world, chance) => {
    const service = chance.pick(world.truth.services());
    if (service.container === null) return false;
    const labels = serviceLabels(world.plan.environment, service.name);
    return (
      startByHand(chance.pick(world.hosts), `by-hand-${chance.int(1, 9_999)}`, labels, service.container.image) !== null
    );
  }),
  "name taken by somebody else": once((world, chance) => {
    const service = chance.pick(world.truth.services());
    const name = instanceName(world.plan.environment, service.name, chance.int(1, 3), chance.int(1, 6));
    return startByHand(chance.pick(world.hosts), name, {}, "foreign:1") !== null;
  }),
  "foreign container": once(
    (world, chance) =>
      startByHand(chance.pick(world.hosts), `foreign-${chance.int(1, 9_999)}`, {}, "foreign:1") !== null,
  ),
  "image crashes": behaves({ crashAfterMs: 3_000 }),
  "image crashes late": behaves({ crashAfterMs: 45_000 }),
  "image never ready": behaves({ neverReady: true }),
  "image slow to start": behaves({ readyMs: [20_000, 70_000] }),
  "image missing": behaves({ missing: true }),
  "image deaf to stop signals": behaves({ deaf: true }),

  "host loses power": lasting(
    long,
    (world, chance) => {
      const host = chance.pick(world.hosts);
      if (!host.powered()) return null;
      host.powerOff();
      world.controllers.machineLost(host.machine);
      world.review();
      return () => {
        host.boot();
        world.controllers.machineBack(host.machine);
        world.agents.get(host.machine)?.start(true);
        world.review();
      };
    },
    2,
  ),
  "engine crashes": lasting(short, (world, chance) => {
    const host = chance.pick(world.hosts);
    if (host.state() !== "up") return null;
    const keeps = chance.chance(0.5);
    host.crashDaemon();
    world.review();
    return () => {
      host.startDaemon(keeps);
      world.review();
    };
  }),
  "engine hangs": lasting(short, (world, chance) => {
    const host = chance.pick(world.hosts);
    if (host.state() !== "up") return null;
    host.hang();
    world.review();
    return () => {
      host.wake();
      world.review();
    };
  }),
  "host cut off": lasting(
    long,
    (world, chance) => {
      const host = chance.pick(world.hosts).machine;
      world.network.isolate(host, chance.pick(["drop", "reject"]));
      return () => world.network.isolate(host, "open");
    },
    2,
  ),
  "controller cannot reach a host": lasting(long, (world, chance) => {
    const [host, own] = [chance.pick(world.hosts).machine, chance.pick(world.plan.controllers).machine];
    if (host === own) return null;
    world.network.cut(host, own, chance.pick(["drop", "reject"]));
    return () => world.network.cut(host, own, "open");
  }),
  "host cannot reach Consul": lasting(long, (world, chance) => {
    const host = chance.pick(world.hosts).machine;
    world.network.cut(host, CONSUL, chance.pick(["drop", "reject"]));
    return () => world.network.cut(host, CONSUL, "open");
  }),
  "disk full": lasting(long, (world, chance) => {
    const host = chance.pick(world.hosts);
    host.diskFull = true;
    return () => void (host.diskFull = false);
  }),
  "host clock wrong": once((world, chance) => {
    chance.pick(world.hosts).clockOffsetMs = chance.pick([-3_600_000, -2_000, 1_500, 3_600_000]);
    return true;
  }),
  "events lost": events("lost"),
  "events delayed": events("delayed"),

  "Swarm has no leader": lasting(short, ({ cluster }) => {
    if (cluster === null) return null;
    cluster.setLeader(false);
    return () => cluster.setLeader(true);
  }),
  "Swarm service removed by hand": once(({ cluster }) => {
    const service = cluster?.services()[0];
    if (service === undefined) return false;
    cluster?.remove(service.name);
    return true;
  }),
  "Swarm service scaled by hand": once(({ cluster }, chance) => {
    const service = cluster?.services()[0];
    if (service === undefined) return false;
    cluster?.scale(service.id, service.version, chance.int(0, 4));
    return true;
  }),
  "Swarm service touched": once(({ cluster }) => {
    const service = cluster?.services()[0];
    if (service === undefined) return false;
    cluster?.touch(service.name);
    return true;
  }),
  "Compose project scaled by hand": once(({ composeFiles, machines }, chance) => {
    const file = composeFiles[0];
    const host = machines.get(file?.host ?? "");
    if (file === undefined || host?.state() !== "up") return false;
    const [name, { template }] = Object.entries(file.services)[0]!;
    try {
      scaleComposeService(host, file.project, name, template, chance.int(0, 4));
      return true;
    } catch {
      return false;
    }
  }),
};

function once(happen: (world: SimulatedWorld, chance: Dice) => boolean, weight = 1): FaultKind {
  return { lastsMs: null, weight, begin: (world, chance) => (happen(world, chance) ? done : null) };
}

function lasting(
  lastsMs: FaultKind["lastsMs"],
  begin: (world: SimulatedWorld, chance: Dice) => (() => void) | null,
  weight = 1,
): FaultKind {
  return { lastsMs, weight, begin };
}

function behaves(changes: Partial<Behaviour>): FaultKind {
  return lasting(
    long,
    ({ truth, behaviours }, chance) => {
      const image = chance.pick(truth.services()).container?.image;
      if (image === undefined) return null;
      behaviours.set(image, { ...healthyBehaviour, ...changes });
      return () => void behaviours.delete(image);
    },
    0.5,
  );
}

function events(fate: "lost" | "delayed"): FaultKind {
  return {
    lastsMs: long,
    begin(world, chance, lastsMs) {
      const host = chance.pick(world.hosts).machine;
      world.truth.disturbed(host, world.scheduler.nowMs() + lastsMs);
      return world.weather.beginEvents(host, fate, chance.pick([0.2, 1]));
    },
  };
}
