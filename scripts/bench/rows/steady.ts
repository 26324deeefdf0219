import type { LargeSite } from "../fleet/large-site.ts";
import { largeSite } from "../fleet/large-site.ts";
import { ENVIRONMENT, INSTANCES_EACH, nodeOf, serviceName } from "../fleet/fleet.ts";
import { connectionsOf, cpuMsOf, rssMiBOf } from "../harness/process-cost.ts";
import type { Context, Row, Sample } from "../harness/row.ts";
import { enginePart } from "../../machine/docker.ts";
import type { EngineDetails } from "../../machine/docker-removal.ts";
import { readPart } from "../../machine/state.ts";

interface Steady {
  readonly cpu: readonly Sample[];
  readonly rssMiB: number;
  readonly growthMiB: number;
  readonly connections: number;
  readonly agentMsPerChange: number;
  readonly bareCpu: readonly Sample[];
  readonly bareAgentMsPerChange: number;
}

const what = "steady state, 1,000 services of 10 instances in a real Consul, nothing happening";
const HOSTS = 10;
const SLICE_MS = 10_000;
const CHANGES = 200;
/** An agent goes through all its checks once a minute: whatever is compared holds one such turn. */
const CHANGES_APART_MS = 300;
/** The changes, and what follows from the last ones. */
const WINDOW_MS = CHANGES * CHANGES_APART_MS + 2_000;

export const steadyRows: readonly Row[] = [
  {
    id: "steady-cpu",
    what: `${what}: CPU of the daemon`,
    reference: "dockerd's own idle",
    goal: 0.5,
    unit: "% of a core",
    run: async (context) => (await steady(context)).cpu,
  },
  {
    id: "steady-cpu-floor",
    what: "not heal: CPU of bare Node that asks as often as that daemon, and does nothing with the answers",
    reference: null,
    goal: 0.5,
    unit: "% of a core",
    run: async (context) => (await steady(context)).bareCpu,
  },
  absolute("steady-rss", "memory of the daemon", 150, "MiB", ({ rssMiB }) => rssMiB),
  absolute(
    "steady-growth",
    "growth of that from the first third of the time to the last",
    5,
    "MiB",
    (it) => it.growthMiB,
  ),
  absolute("steady-connections", "connections to Consul", 200, "connections", ({ connections }) => connections),
  absolute(
    "steady-agent",
    `CPU of the Consul agent for each of ${CHANGES} changed checks, beyond what it costs without heal`,
    1.5,
    "ms per change",
    ({ agentMsPerChange }) => agentMsPerChange,
  ),
  absolute(
    "steady-agent-floor",
    "not heal: the same for one long poll that each change ends, and that is asked again",
    1.5,
    "ms per change",
    ({ bareAgentMsPerChange }) => bareAgentMsPerChange,
  ),
];

function absolute(id: string, of: string, goal: number, unit: string, pick: (steady: Steady) => number): Row {
  const run = async (context: Context): Promise<readonly Sample[]> => [{ subject: pick(await steady(context)) }];
  return { id, what: `${what}: ${of}`, reference: null, goal, unit, run };
}

function steady(context: Context): Promise<Steady> {
  return context.once("steady", async () => {
    const site = await largeSite(context);
    const withoutMs = await costOfChanges(site);
    const restWithoutMs = await costOfRest(site);
    const stopPolling = startPolling(site);
    const bareMs = await costOfChanges(site);
    await stopPolling();
    const bareCpu = await costOfBareIdler(site);
    const daemon = await site.daemon();
    // What it has read to begin with is to be collected before memory is looked at.
    await new Promise((resolve) => setTimeout(resolve, context.quick ? 10_000 : 60_000));
    const slices = (context.quick ? 60_000 : 300_000) / SLICE_MS;
    const cpu: Sample[] = [];
    const rss: number[] = [];
    let connections = 0;
    for (let slice = 0; slice < slices; slice += 1) {
      cpu.push(await shareOfCore(daemon.pid));
      rss.push(rssMiBOf(daemon.pid));
      connections = Math.max(connections, connectionsOf(daemon.pid, site.consul.ports.http));
    }
    const withMs = await costOfChanges(site);
    const restWithMs = await costOfRest(site);
    connections = Math.max(connections, connectionsOf(daemon.pid, site.consul.ports.http));
    await daemon.stop();
    const third = Math.ceil(rss.length / 3);
    return {
      cpu,
      rssMiB: Math.max(...rss),
      // Garbage comes and goes: what is left when there is least of it is what grows.
      growthMiB: Math.min(...rss.slice(-third)) - Math.min(...rss.slice(0, third)),
      connections,
      // What the agent does with the standings by itself, each minute, is no part of a change.
      agentMsPerChange: (withMs - restWithMs - (withoutMs - restWithoutMs)) / CHANGES,
      bareCpu,
      bareAgentMsPerChange: (bareMs - withoutMs) / CHANGES,
    };
  });
}

/** Per cent of a core over one slice; beside it that of dockerd, where it is ours to see. */
async function shareOfCore(pid: number): Promise<Sample> {
  const dockerd = readPart<EngineDetails>(enginePart).details?.dockerd?.pid;
  const before = [cpuMsOf(pid), dockerd === undefined ? 0 : cpuMsOf(dockerd)] as const;
  const beganMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, SLICE_MS));
  const percent = (cpuMs: number): number => (100 * cpuMs) / (performance.now() - beganMs);
  const subject = percent(cpuMsOf(pid) - before[0]);
  return dockerd === undefined ? { subject } : { subject, reference: percent(cpuMsOf(dockerd) - before[1]) };
}

/** Per cent of a core that bare Node takes for the daemon's questions, once it has warmed up. */
async function costOfBareIdler(site: LargeSite): Promise<readonly Sample[]> {
  const idler = await site.bareIdler();
  await new Promise((resolve) => setTimeout(resolve, SLICE_MS));
  const samples: Sample[] = [];
  for (let slice = 0; slice < 3; slice += 1) samples.push({ subject: (await shareOfCore(idler.pid)).subject });
  await idler.stop();
  return samples;
}

/** One long poll for critical checks, in this process. Resolves once its last answer has come. */
function startPolling({ consul }: LargeSite): () => Promise<void> {
  let stopped = false;
  let index = "0";
  const polling = (async () => {
    while (!stopped) {
      const answer = await fetch(`${consul.address}/v1/health/state/critical?index=${index}&wait=2s`);
      await answer.arrayBuffer();
      index = answer.headers.get("x-consul-index") ?? "0";
    }
  })();
  return async () => {
    stopped = true;
    await polling;
  };
}

/** CPU of the agent over as long a time in which nothing changes. */
async function costOfRest({ consul }: LargeSite): Promise<number> {
  const before = cpuMsOf(consul.pid());
  await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
  return cpuMsOf(consul.pid()) - before;
}

/** CPU of the agent, in all, for checks that turn critical and back, each of another service, and what follows from it. */
async function costOfChanges({ consul, services }: LargeSite): Promise<number> {
  const before = cpuMsOf(consul.pid());
  const beganMs = performance.now();
  for (let change = 0; change < CHANGES; change += 1) {
    await changeCheck(consul.address, (change >> 1) % services, change % 2 === 0 ? "critical" : "passing");
    await new Promise((resolve) => setTimeout(resolve, CHANGES_APART_MS));
  }
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const spentMs = cpuMsOf(consul.pid()) - before;
  return spentMs * (WINDOW_MS / (performance.now() - beganMs));
}

/** The service's first instance; instances are dealt out to the hosts one after the other. */
async function changeCheck(consul: string, service: number, status: string): Promise<void> {
  const ServiceID = `heal.${ENVIRONMENT}.${serviceName(service)}.1`;
  const Node = nodeOf(`h${(service * INSTANCES_EACH) % HOSTS}`);
  const Check = { Node, CheckID: `service:${ServiceID}`, Name: "check", Status: status, Output: status, ServiceID };
  const answer = await fetch(`${consul}/v1/catalog/register`, {
    method: "PUT",
    body: JSON.stringify({ Node, SkipNodeUpdate: true, Check }),
  });
  if (!answer.ok) throw new Error(`${ServiceID}: ${await answer.text()}`);
}
