import { until } from "../../../test/e2e/support/site.ts";
import type { Site } from "../../../test/e2e/support/site.ts";
import { freePort } from "../../machine/state.ts";
import type { BareHealer } from "../harness/bare-healer.ts";
import { openBareHealer } from "../harness/bare-healer.ts";
import type { Network, Peer } from "../harness/raw-container.ts";
import { addressOf, crash, openRawContainer } from "../harness/raw-container.ts";
import type { RawEngine } from "../harness/raw-engine.ts";
import { openRawEngine } from "../harness/raw-engine.ts";
import type { RecordingProxy } from "../harness/recording-proxy.ts";
import { recordBetween } from "../harness/recording-proxy.ts";
import type { Context, Row, Sample, Samples } from "../harness/row.ts";
import { answersAt, stageOf } from "../harness/stage.ts";
import { openSwarmPeer } from "../harness/swarm-service.ts";

/** A container that is killed again and again would be held back: here that is what is asked for. */
export const killable = {
  policy: { allow: ["host-network"] },
  healing: {
    backOff: { initial: "100ms", max: "1s", forgetAfter: "1s" },
    quarantine: { failures: 1_000, window: "1s", retry: "1s" },
  },
};
const FORGOTTEN_AFTER_MS = 1_500;

type PeerName = "raw" | "restart policy" | "Swarm, delay 0" | "Swarm, defaults";

interface Recovered {
  /** Killed → the replacement answers HTTP: heal, and in the same turn each of the others. */
  readonly against: ReadonlyMap<PeerName, Samples>;
  /** `die` sent to heal → its create request arrives. */
  readonly dieToCreate: readonly number[];
  /** The same of bare Node, on the host's network only. */
  readonly bareDieToCreate: readonly number[];
}

const what: Readonly<Record<Network, string>> = {
  host: "on the host's network",
  bridge: "on a bridge",
  published: "with a published port",
};

const networks = ["host", "bridge", "published"] as const;

export const recoverRows: readonly Row[] = [
  ...networks.flatMap((network): Row[] => [row(network, "p50", 1.25, 0.5), row(network, "p95", 1.6, 0.95)]),
  peerRow("kill-http-restart-policy", "restart policy", "Docker's own restart policy", 0.8),
  peerRow("kill-http-swarm-delay-0", "Swarm, delay 0", "Swarm with a restart delay of 0", 0.5),
  peerRow("kill-http-swarm-default", "Swarm, defaults", "Swarm with its defaults", 0.08),
  latency("p50", 5, 0.5),
  latency("p99", 15, 0.99),
  {
    id: "die-create-floor",
    what: "not heal: bare Node that asks and writes what heal does between a `die` event and its create request, p50",
    reference: null,
    goal: 5,
    unit: "ms",
    run: async (context) => (await recovered(context, "host")).bareDieToCreate.map((subject) => ({ subject })),
  },
];

function row(network: Network, name: string, goal: number, quantile: number): Row {
  return {
    id: `kill-http-${network}-${name}`,
    what: `process killed → replacement answers HTTP, ${what[network]}, ${name}`,
    reference: "`die` event, then raw create and start → first answer",
    goal,
    quantile,
    run: (context) => against(context, network, "raw"),
  };
}

function peerRow(id: string, peer: PeerName, reference: string, goal: number): Row {
  return {
    id,
    what: `process killed → replacement answers HTTP, ${what.host}`,
    reference,
    goal,
    run: (context) => against(context, "host", peer),
  };
}

async function against(context: Context, network: Network, peer: PeerName): Promise<Samples> {
  return (await recovered(context, network)).against.get(peer) ?? [];
}

function latency(name: string, goal: number, quantile: number): Row {
  return {
    id: `die-create-${name}`,
    what: `\`die\` event handed to heal → its create request is sent, ${name}`,
    reference: null,
    goal,
    unit: "ms",
    quantile,
    async run(context) {
      // One network after the other: they would disturb each other.
      const samples: Sample[] = [];
      for (const network of networks)
        for (const subject of (await recovered(context, network)).dieToCreate) samples.push({ subject });
      return samples;
    },
  };
}

function recovered(context: Context, network: Network): Promise<Recovered> {
  return context.once(`recover ${network}`, async () => {
    const stage = await stageOf(context);
    const proxy = await recordBetween(stage.docker);
    context.undo("recording proxy", () => proxy.close());
    const engine = await openRawEngine(stage.docker);
    context.undo("raw engine", () => engine.close());
    const site = stage.site({ docker: proxy.address, environmentSettings: killable });
    const port = await freePort();
    site.desire({ web: service(network, port) });
    await site.daemon();
    const peers = await openPeers(context, engine, network);
    const bare = network === "host" ? await openBareHealer(context, stage, engine) : null;
    try {
      return await measure(context, { site, engine, proxy, peers, bare, network, port });
    } finally {
      await site.close();
      for (const peer of peers.values()) await peer.close();
      await bare?.close();
    }
  });
}

async function openPeers(context: Context, engine: RawEngine, network: Network): Promise<Map<PeerName, Peer>> {
  const peers = new Map<PeerName, Peer>();
  peers.set("raw", await openRawContainer(context, engine, network, "no"));
  if (network !== "host") return peers;
  peers.set("Swarm, delay 0", await openSwarmPeer(context, engine, { Condition: "any", Delay: 0 }));
  peers.set("Swarm, defaults", await openSwarmPeer(context, engine));
  peers.set("restart policy", await openRawContainer(context, engine, network, "always"));
  return peers;
}

interface Measured {
  readonly site: Site;
  readonly engine: RawEngine;
  readonly proxy: RecordingProxy;
  readonly peers: ReadonlyMap<PeerName, Peer>;
  readonly bare: BareHealer | null;
  readonly network: Network;
  readonly port: number;
}

async function measure(context: Context, measured: Measured): Promise<Recovered> {
  const { site, engine, proxy, peers, bare, network, port } = measured;
  const isWell = () => until(async () => (await site.heal("check", "web")).code === 0, "web to pass", 60_000);
  await isWell();
  const turns = context.quick ? 3 : 20;
  const samples = new Map([...peers.keys()].map((name): [PeerName, Sample[]] => [name, []]));
  const dieToCreate: number[] = [];
  const bareDieToCreate: number[] = [];
  for (let turn = -1; turn < turns; turn += 1) {
    const subject = await killed(site, engine, network, port);
    const latencyMs = proxy.lastDieToCreateMs();
    if (turn >= 0 && latencyMs !== null) dieToCreate.push(latencyMs);
    for (const [name, peer] of peers) {
      const reference = await peer.recover();
      if (turn >= 0) samples.get(name)?.push({ subject, reference });
    }
    await isWell();
    if (bare !== null) {
      const bareMs = await bare.dieToCreate();
      if (turn >= 0) bareDieToCreate.push(bareMs);
    }
    await new Promise((resolve) => setTimeout(resolve, FORGOTTEN_AFTER_MS));
  }
  return { against: samples, dieToCreate, bareDieToCreate };
}

function service(network: Network, port: number): object {
  const container: Readonly<Record<Network, object>> = {
    host: { networks: ["host"], environment: { PORT: String(port) } },
    bridge: { environment: { PORT: "8000" } },
    published: { environment: { PORT: "8000" }, ports: [{ container: 8000, host: port }] },
  };
  return {
    count: 1,
    container: { image: "heal-demo/web:1", stopGrace: "1s", ...container[network] },
    health: {
      http: "/healthz",
      port: network === "host" ? port : 8000,
      interval: "1s",
      timeout: "1s",
      startGrace: "30s",
    },
  };
}

/** Kills heal's container as a crash does: the engine is told nothing beforehand. */
async function killed(site: Site, engine: RawEngine, network: Network, port: number): Promise<number> {
  const [container] = await site.containers("web");
  if (container === undefined) throw new Error("web has no container");
  const replaced = engine.event(
    "start",
    ({ Actor }) => Actor.Attributes["heal.environment"] === site.environment && Actor.Attributes["heal.slot"] === "1",
  );
  const beganMs = await crash(engine, container.Id);
  const place = network === "bridge" ? await addressOf(engine, (await replaced).id) : { port };
  return (await answersAt(place)) - beganMs;
}
