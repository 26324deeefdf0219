import { until } from "../../../test/e2e/support/site.ts";
import type { Site } from "../../../test/e2e/support/site.ts";
import { freePort } from "../../machine/state.ts";
import { recordBetween } from "../harness/recording-proxy.ts";
import type { RawEngine } from "../harness/raw-engine.ts";
import { openRawEngine } from "../harness/raw-engine.ts";
import type { Context, Row, Sample, Samples } from "../harness/row.ts";
import { answersAt, stageOf } from "../harness/stage.ts";

/** A container that is killed again and again would be held back: here that is what is asked for. */
const killable = {
  policy: { allow: ["host-network"] },
  healing: {
    backOff: { initial: "100ms", max: "1s", forgetAfter: "1s" },
    quarantine: { failures: 1_000, window: "1s", retry: "1s" },
  },
};
const FORGOTTEN_AFTER_MS = 1_500;

type Network = "host" | "published";

interface Recovered {
  /** Killed → the replacement answers HTTP: heal, and the raw API in the same turn. */
  readonly raw: Samples;
  /** The same against Docker's own restart policy. */
  readonly restart: Samples;
  /** `die` sent to heal → its create request arrives. */
  readonly dieToCreate: readonly number[];
}

const what: Readonly<Record<Network, string>> = {
  host: "on the host's network",
  published: "with a published port",
};

const networks = ["host", "published"] as const;

export const recoverRows: readonly Row[] = [
  ...networks.flatMap((network): Row[] => [row(network, "p50", 1.25, 0.5), row(network, "p95", 1.6, 0.95)]),
  {
    id: "kill-http-restart-policy",
    what: `process killed → replacement answers HTTP, ${what.host}`,
    reference: "Docker's own restart policy",
    goal: 0.8,
    run: async (context) => (await recovered(context, "host")).restart,
  },
  latency("p50", 5, 0.5),
  latency("p99", 15, 0.99),
];

function row(network: Network, name: string, goal: number, quantile: number): Row {
  return {
    id: `kill-http-${network}-${name}`,
    what: `process killed → replacement answers HTTP, ${what[network]}, ${name}`,
    reference: "`die` event, then raw create and start → first answer",
    goal,
    quantile,
    run: async (context) => (await recovered(context, network)).raw,
  };
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
      const all = await Promise.all(networks.map((network) => recovered(context, network)));
      return all.flatMap(({ dieToCreate }) => dieToCreate.map((subject) => ({ subject })));
    },
  };
}

function recovered(context: Context, network: Network): Promise<Recovered> {
  // One network after the other: they would disturb each other.
  const before =
    network === "host"
      ? Promise.resolve()
      : recovered(context, "host").then(
          () => undefined,
          () => undefined,
        );
  return context.once(`recover ${network}`, async () => {
    await before;
    return measure(context, network);
  });
}

async function measure(context: Context, network: Network): Promise<Recovered> {
  const stage = await stageOf(context);
  const proxy = await recordBetween(stage.docker);
  context.undo("recording proxy", () => proxy.close());
  const engine = await openRawEngine(stage.docker);
  context.undo("raw engine", () => engine.close());
  const site = stage.site({ docker: proxy.address, environmentSettings: killable });
  const port = await freePort();
  site.desire({ web: service(network, port) });
  await site.daemon();
  const raw = await openRaw(context, engine, network, "no");
  const restarted = network === "host" ? await openRaw(context, engine, network, "always") : null;
  await answersAt(port, 60_000);
  await until(async () => (await site.heal("check", "web")).code === 0, "web to be healthy", 60_000);
  const turns = context.quick ? 5 : 20;
  const samples: Sample[] = [];
  const restart: Sample[] = [];
  const dieToCreate: number[] = [];
  for (let turn = -1; turn < turns; turn += 1) {
    const subject = await killed(engine, await runningOf(site), port);
    const latencyMs = proxy.lastDieToCreateMs();
    const reference = await raw.recover();
    const byDocker = restarted === null ? null : await restarted.recover();
    if (turn >= 0) {
      samples.push({ subject, reference });
      if (byDocker !== null) restart.push({ subject, reference: byDocker });
      if (latencyMs !== null) dieToCreate.push(latencyMs);
    }
    await until(async () => (await site.heal("check", "web")).code === 0, "web to pass again", 60_000);
    await new Promise((resolve) => setTimeout(resolve, FORGOTTEN_AFTER_MS));
  }
  await site.close();
  await raw.close();
  await restarted?.close();
  return { raw: samples, restart, dieToCreate };
}

function service(network: Network, port: number): object {
  const container =
    network === "host"
      ? { networks: ["host"], environment: { PORT: String(port) } }
      : { environment: { PORT: "8000" }, ports: [{ container: 8000, host: port }] };
  return {
    count: 1,
    container: { image: "heal-demo/web:1", stopGrace: "1s", ...container },
    health: {
      http: "/healthz",
      port: network === "host" ? port : 8000,
      interval: "1s",
      timeout: "1s",
      startGrace: "30s",
    },
  };
}

async function runningOf(site: Site): Promise<string> {
  const [container] = await site.containers("web");
  if (container === undefined) throw new Error("web has no container");
  return container.Id;
}

/** Kills the container's process from outside, as a crash: the engine is told nothing beforehand. */
async function killed(engine: RawEngine, id: string, port: number): Promise<number> {
  const { State } = await engine.ask<{ State: { Pid: number } }>("GET", `/containers/${id}/json`);
  const beganMs = performance.now();
  const died = engine.event(id, "die");
  process.kill(State.Pid, "SIGKILL");
  await died;
  return (await answersAt(port)) - beganMs;
}

/** A container that is replaced by nothing but the API, or by Docker itself. */
async function openRaw(context: Context, engine: RawEngine, network: Network, policy: "no" | "always") {
  const port = await freePort();
  let id = "";
  const spec = {
    Image: "heal-demo/web:1",
    Env: [`PORT=${network === "host" ? port : 8000}`],
    ExposedPorts: network === "host" ? {} : { "8000/tcp": {} },
    HostConfig: {
      NetworkMode: network === "host" ? "host" : "default",
      PortBindings: network === "host" ? {} : { "8000/tcp": [{ HostPort: String(port) }] },
      RestartPolicy: { Name: policy },
    },
  };
  const start = async (): Promise<void> => {
    id = (await engine.ask<{ Id: string }>("POST", "/containers/create", spec)).Id;
    await engine.ask("POST", `/containers/${id}/start`);
  };
  const remove = (which: string): Promise<unknown> =>
    engine.ask("DELETE", `/containers/${which}?force=true&v=true`).catch(() => undefined);
  await start();
  context.undo("raw container", async () => void (await remove(id)));
  await answersAt(port);
  return {
    async recover(): Promise<number> {
      const before = id;
      const { State } = await engine.ask<{ State: { Pid: number } }>("GET", `/containers/${id}/json`);
      // Docker doubles its delay for what dies within ten seconds of its start: it is given that time.
      if (policy === "always") await new Promise((resolve) => setTimeout(resolve, 10_500));
      const beganMs = performance.now();
      const died = engine.event(before, "die");
      process.kill(State.Pid, "SIGKILL");
      await died;
      if (policy === "no") await start();
      const tookMs = (await answersAt(port)) - beganMs;
      if (policy === "no") await remove(before);
      return tookMs;
    },
    close: () => remove(id),
  };
}
