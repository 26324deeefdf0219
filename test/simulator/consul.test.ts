import { describe, expect, it } from "vitest";
import { coordinationContract } from "../adapters/contracts/coordination.ts";
import { registryContract } from "../adapters/contracts/registry.ts";
import { consulAgent } from "./consul-agent.ts";
import type { Agent } from "./consul-agent.ts";
import type { ConsulConditions, ConsulDeps } from "./consul-line.ts";
import { consulServers } from "./consul-servers.ts";
import { consulKeys } from "./consul-sessions.ts";
import type { ConsulKeys } from "./consul-sessions.ts";
import { simulatedCoordination } from "./coordination.ts";
import { driver } from "./drive.ts";
import { blindWitness, fairWeather } from "./fair-weather.ts";
import { machine } from "./machine.ts";
import { network } from "./network.ts";
import { startProcess } from "./process.ts";
import { dice } from "./random.ts";
import { simulatedRegistry } from "./registry.ts";
import { scheduler } from "./scheduler.ts";

function aConsul() {
  const time = scheduler();
  const chance = dice(1);
  const cables = network();
  const servers = consulServers(time, chance);
  const host = machine({ scheduler: time, dice: chance, behaviours: new Map(), onContainer: () => {} }, "h1");
  const agent = consulAgent({
    scheduler: time,
    dice: chance,
    network: cables,
    servers,
    machine: host,
    address: "10.0.0.1",
  });
  const conditions: ConsulConditions = { acl: "open", defaultLagMs: 0, empty: false };
  const process = startProcess(time, chance, "p1", "h1");
  const witness = blindWitness<never>();
  const depsWith = (keys: ConsulKeys): ConsulDeps & { witness: never; agents: Record<string, Agent> } => ({
    process,
    agent,
    servers,
    keys,
    network: cables,
    weather: fairWeather,
    conditions,
    witness,
    agents: { h1: agent },
  });
  return { time, chance, servers, agent, process, depsWith, conditions, cables, drive: driver(time) };
}

registryContract("the simulated Consul", async () => {
  const { agent, depsWith, time, chance, servers, drive } = aConsul();
  const keys = consulKeys(time, chance, servers);
  return {
    registry: drive.driven(simulatedRegistry(depsWith(keys))),
    host: "h1",
    setStatus: async (id, status, output) => agent.setCheck(id, status, output),
    writeKey: async (key, value) => keys.set(key, value),
    deleteKey: async (key) => keys.set(key, null),
    close: async () => {},
  };
});

coordinationContract("the simulated Consul", async () => {
  const { depsWith, time, chance, servers, drive, process } = aConsul();
  const places = new Map<string, ConsulKeys>();
  const keysOf = (place: string): ConsulKeys => {
    const keys = places.get(place) ?? consulKeys(time, chance.fork(place), servers);
    places.set(place, keys);
    return keys;
  };
  return {
    open: (place) => drive.driven(simulatedCoordination(depsWith(keysOf(place)))),
    destroySession: async (id) => places.forEach((keys) => keys.destroySession(id)),
    deleteLeaderKey: async (place) => keysOf(place).deleteLeader(),
    pass: drive.pass,
    nowMs: () => process.clock.steadyMs(),
    close: async () => {},
  };
});

describe("the simulated Consul", () => {
  it("goes without a leader when it loses one, and says so", async () => {
    const { depsWith, time, chance, servers, drive } = aConsul();
    const registry = drive.driven(simulatedRegistry(depsWith(consulKeys(time, chance, servers))));
    servers.loseLeader();
    await expect(registry.readNodes({ consistency: "default" })).rejects.toMatchObject({ kind: "no-leader" });
    expect(await registry.readNodes({ consistency: "stale" })).toMatchObject({ knownLeader: false });
    servers.electLeader();
    expect(await registry.readNodes({ consistency: "default" })).toMatchObject({ knownLeader: true });
  });

  it("calls the node of a machine critical some seconds after its cable is out, and passing soon after it is back", async () => {
    const { servers, cables, agent, drive } = aConsul();
    cables.onChange(agent.review);
    cables.isolate("h1", "drop");
    await drive.pass(5_000);
    expect(servers.nodes.get("h1-node")?.status).toBe("passing");
    await drive.pass(2_000);
    expect(servers.nodes.get("h1-node")?.status).toBe("critical");
    cables.healAll();
    await drive.pass(1_000);
    expect(servers.nodes.get("h1-node")?.status).toBe("passing");
  });
});
