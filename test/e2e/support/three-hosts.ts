/** A fleet of three hosts for the tests of one file, with an environment of its own for each of them. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { callEngine, engineAnswers } from "../../../scripts/machine/engine-api.ts";
import { startFleet, type Fleet, type FleetHost } from "../../../scripts/machine/fleet.ts";
import { openEventLog, type EngineEvent, type EventLog } from "./event-log.ts";
import { nodeIs, openFleetSite, type FleetSite } from "./fleet-site.ts";
import { startPeer, tellIfFailed, type Peer, type PeerOptions } from "./peers.ts";
import { webService } from "./services.ts";
import { until } from "./site.ts";

export interface ThreeHosts {
  readonly fleet: Fleet;
  readonly hosts: readonly [FleetHost, FleetHost, FleetHost];
  readonly ground: FleetSite;
  /** Starts a daemon, which is stopped after the test. */
  start(options?: PeerOptions): Promise<Peer>;
  /** Starts a daemon and waits for three healthy instances, one per host; from then on the engines' events are kept. */
  oneOnEach(lostAfter: string, options?: PeerOptions): Promise<Peer>;
  /** Waits for three healthy instances and no others. */
  allHealthy(withinMs?: number): Promise<void>;
  /** What the engines say happened since then. */
  eventsSince(atMs: number): readonly EngineEvent[];
}

/** Registers the hooks that start the fleet, clear up after each test and stop it. */
export function threeHosts(): ThreeHosts {
  let fleet: Fleet;
  let ground: FleetSite;
  const peers: Peer[] = [];
  const logs: EventLog[] = [];
  const hosts = () => fleet.hosts as [FleetHost, FleetHost, FleetHost];

  beforeAll(async () => {
    fleet = await startFleet({ say: () => undefined, hosts: 3, tcp: true, images: ["heal-demo/web:1"] });
  });
  afterAll(() => fleet?.stop());
  beforeEach(async () => {
    // One that was plugged in again takes a moment until its neighbours find it.
    await until(
      async () => (await Promise.all(hosts().map(({ docker }) => engineAnswers(docker)))).every(Boolean),
      "all engines to answer",
    );
    // An instance on a host that Consul still calls dead would be replaced for that.
    await until(
      async () => (await Promise.all(hosts().map(({ name }) => nodeIs(fleet, name, "passing")))).every(Boolean),
      "Consul to find all hosts alive",
    );
    const settings = { healing: { backOff: { initial: "500ms", max: "2s" } } };
    ground = openFleetSite(fleet, { service: "web", runtime: "engine", settings });
  });
  afterEach(async ({ task }) => {
    tellIfFailed(task, peers);
    await Promise.all(peers.splice(0).map((peer) => peer.stop()));
    for (const log of logs.splice(0)) log.close();
    await Promise.all(hosts().map((host) => removeAll(ground, host)));
    await ground.site.close();
  });

  const start = async (options: PeerOptions = {}): Promise<Peer> => {
    const peer = await startPeer(ground.site, options);
    peers.push(peer);
    return peer;
  };
  const allHealthy = (withinMs = 60_000): Promise<void> =>
    until(
      async () => {
        const [healthy, running] = await Promise.all([ground.healthy(), ground.running()]);
        const names = running.map(({ name }) => name).toSorted();
        return running.length === 3 && healthy.join() === names.join();
      },
      "three healthy instances and no others",
      withinMs,
    );
  return {
    get fleet() {
      return fleet;
    },
    get hosts() {
      return hosts();
    },
    get ground() {
      return ground;
    },
    start,
    async oneOnEach(lostAfter, options) {
      const healing = { unhealthyAfter: "10s", lostAfter };
      ground.site.desire({ web: webService(3, { healing }) });
      const daemon = await start(options);
      await allHealthy();
      expect((await ground.running()).map(({ host }) => host).toSorted()).toEqual(["h1", "h2", "h3"]);
      for (const host of hosts()) logs.push(await openEventLog(host.dockerSocket, ground.site.environment));
      return daemon;
    },
    allHealthy,
    eventsSince: (atMs) => logs.flatMap((log) => log.untilItEnded()).filter((event) => event.atMs > atMs),
  };
}

async function removeAll(ground: FleetSite, host: FleetHost): Promise<void> {
  for (const name of await ground.on(host)) {
    await callEngine(host.dockerSocket, "DELETE", `/containers/${name}?force=true`);
  }
  const services = (await (await fetch(`${host.consulAddress}/v1/agent/services`)).json()) as Record<string, unknown>;
  for (const id of Object.keys(services).filter((one) => one.startsWith("heal."))) {
    await fetch(`${host.consulAddress}/v1/agent/service/deregister/${id}`, { method: "PUT" });
  }
}
