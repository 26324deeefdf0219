/** One environment over several hosts, and what Docker on each of them and Consul say of it. */
import { askEngine } from "../../../scripts/machine/engine-api.ts";
import type { Fleet, FleetHost } from "../../../scripts/machine/fleet.ts";
import { nameOf, openSite, type Listed, type Site } from "./site.ts";

export interface FleetSite {
  readonly site: Site;
  /** What runs on the hosts that can be asked; their engines are asked over their sockets, which no cable cuts. */
  running(): Promise<readonly Running[]>;
  /** All containers of the host, dead ones too. */
  on(host: FleetHost): Promise<readonly string[]>;
  /** Container names of the instances that Consul finds healthy, their nodes included. */
  healthy(): Promise<readonly string[]>;
}

export interface Running {
  readonly host: string;
  readonly name: string;
  readonly id: string;
}

export interface FleetSiteOptions {
  readonly service: string;
  /** `swarm`: containers are told by Swarm's own label. */
  readonly runtime: "engine" | "swarm";
  readonly settings?: object;
}

export function openFleetSite(fleet: Fleet, { service, runtime, settings = {} }: FleetSiteOptions): FleetSite {
  const hosts = Object.fromEntries(
    fleet.hosts.map(({ name, docker, consulAddress, address }) => [
      name,
      { docker, consulAgent: consulAddress, address },
    ]),
  );
  const [first] = fleet.hosts;
  if (first === undefined) throw new Error("a fleet has at least one host");
  const site = openSite({
    docker: first.dockerSocket,
    consul: fleet.consul.address,
    settings,
    environmentSettings: { hosts },
  });
  const label =
    runtime === "engine"
      ? [`heal.environment=${site.environment}`, `heal.service=${service}`]
      : [`com.docker.swarm.service.name=${service}`];
  const list = async (host: FleetHost, all: boolean): Promise<readonly Listed[]> => {
    const filters = encodeURIComponent(JSON.stringify({ label }));
    return askEngine<Listed[]>(host.dockerSocket, "GET", `/containers/json?all=${all}&filters=${filters}`);
  };
  return {
    site,
    async running() {
      const found = await Promise.all(
        fleet.hosts.map(async (host) => {
          const containers = await list(host, false).catch(() => []); // switched off: nothing runs there
          return containers.map((one) => ({ host: host.name, name: nameOf(one), id: one.Id }));
        }),
      );
      return found.flat();
    },
    on: async (host) => (await list(host, true)).map(nameOf).toSorted(),
    async healthy() {
      const answer = await fetch(`${fleet.consul.address}/v1/health/service/${service}?passing&consistent`);
      const entries = (await answer.json()) as { readonly Service: { readonly Meta: Record<string, string> } }[];
      return entries.map(({ Service }) => Service.Meta["heal-container"] ?? "").toSorted();
    },
  };
}

export interface Sample {
  readonly atMs: number;
  readonly healthy: number;
  readonly running: number;
}

const samplesMin = 10;

/** Looks again and again until stopped; gives all that was seen. */
export function sample({ healthy, running }: FleetSite, everyMs = 150): { stop(): Promise<readonly Sample[]> } {
  const samples: Sample[] = [];
  const state = { stopped: false };
  const done = (async () => {
    while (!state.stopped) {
      try {
        const [inConsul, inDocker] = await Promise.all([healthy(), running()]);
        // Healthy is what Consul finds passing and Docker runs.
        const both = inDocker.filter(({ name }) => inConsul.includes(name)).length;
        samples.push({ atMs: Date.now(), healthy: both, running: inDocker.length });
      } catch {
        // Nobody answered; too few samples are told of at the end.
      }
      await new Promise((passed) => setTimeout(passed, everyMs));
    }
  })();
  return {
    async stop() {
      state.stopped = true;
      await done;
      if (samples.length < samplesMin) throw new Error(`only ${samples.length} samples could be taken`);
      return samples;
    },
  };
}

/** Whether Consul's members say that of a host, as a consistent read has it. */
export async function nodeIs({ consul }: Fleet, node: string, status: "passing" | "critical"): Promise<boolean> {
  const answer = await fetch(`${consul.address}/v1/health/node/${node}?consistent`);
  const found = (await answer.json()) as { readonly CheckID: string; readonly Status: string }[];
  return found.some((check) => check.CheckID === "serfHealth" && check.Status === status);
}
