import { freePort } from "../../machine/state.ts";
import type { Peer } from "./raw-container.ts";
import { crash } from "./raw-container.ts";
import type { RawEngine } from "./raw-engine.ts";
import type { Context } from "./row.ts";
import { answersAt } from "./stage.ts";

interface Found {
  readonly ID: string;
  readonly Version: { readonly Index: number };
  readonly Spec: { readonly [key: string]: unknown };
}

/** A service that Swarm alone looks after. */
export interface SwarmService {
  readonly name: string;
  /** As `docker service scale` does it: reads the service, and writes it with one number changed. */
  scale(replicas: number): Promise<void>;
  replicas(): Promise<number>;
  /** Ids of its running containers. */
  running(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface SwarmServiceOptions {
  readonly name: string;
  readonly replicas: number;
  /** Beyond port 8000 on a network of each task's own: the host's network and this port. */
  readonly hostPort?: number;
  /** Laid over the specification's RestartPolicy; without it Swarm has its defaults. */
  readonly restartPolicy?: object;
}

export async function openSwarmService(
  context: Context,
  engine: RawEngine,
  { name, replicas, hostPort, restartPolicy }: SwarmServiceOptions,
): Promise<SwarmService> {
  const port = hostPort ?? 8_000;
  await engine.ask("POST", "/services/create", {
    Name: name,
    TaskTemplate: {
      ContainerSpec: { Image: "heal-demo/web:1", Env: [`PORT=${port}`], StopGracePeriod: 1e9 },
      ...(restartPolicy === undefined ? {} : { RestartPolicy: restartPolicy }),
      ...(hostPort === undefined ? {} : { Networks: [{ Target: "host" }] }),
    },
    Mode: { Replicated: { Replicas: replicas } },
    EndpointSpec: { Mode: hostPort === undefined ? "dnsrr" : "vip" },
  });
  const close = async (): Promise<void> =>
    void (await engine.ask("DELETE", `/services/${name}`).catch(() => undefined));
  context.undo(`Swarm service ${name}`, close);
  return swarmServiceNamed(engine, name, close);
}

/** One that is there already. */
export function swarmServiceNamed(engine: RawEngine, name: string, close: () => Promise<void>): SwarmService {
  const read = () => engine.ask<Found>("GET", `/services/${name}`);
  return {
    name,
    async scale(replicas) {
      const { ID, Version, Spec } = await read();
      const spec = { ...Spec, Mode: { Replicated: { Replicas: replicas } } };
      await engine.ask("POST", `/services/${ID}/update?version=${Version.Index}`, spec);
    },
    async replicas() {
      return ((await read()).Spec["Mode"] as { Replicated: { Replicas: number } }).Replicated.Replicas;
    },
    running: () => containersLabelled(engine, `com.docker.swarm.service.name=${name}`),
    close,
  };
}

/** A single task on the host's network, which Swarm restarts. */
export async function openSwarmPeer(context: Context, engine: RawEngine, restartPolicy?: object): Promise<Peer> {
  const port = await freePort();
  const service = await openSwarmService(context, engine, {
    name: `bench-${port}`,
    replicas: 1,
    hostPort: port,
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  });
  await answersAt({ port });
  return {
    async recover() {
      const [id = ""] = await service.running();
      const beganMs = await crash(engine, id);
      return (await answersAt({ port })) - beganMs;
    },
    close: service.close,
  };
}

export async function containersLabelled(engine: RawEngine, ...label: string[]): Promise<readonly string[]> {
  const filters = encodeURIComponent(JSON.stringify({ label, status: ["running"] }));
  return (await engine.ask<{ Id: string }[]>("GET", `/containers/json?filters=${filters}`)).map(({ Id }) => Id);
}
