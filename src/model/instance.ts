/**
 * A container as an engine reports it. `service`, `slot`, `generation` and `specHash` come from labels that only
 * `heal` writes; a container of an adopted service has none of the last three.
 */
export interface Container {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  /** null when the engine's container carries no label of ours (adopted by Compose or Swarm labels). */
  readonly service: string | null;
  readonly slot: number | null;
  readonly generation: number | null;
  readonly specHash: string | null;
  readonly state: ContainerState;
  readonly health: DockerHealth;
  readonly exitCode: number | null;
  readonly createdAtMs: number;
  /** When it last started; null when it never did. */
  readonly startedAtMs: number | null;
  /** When it last ended; null while it runs or when the engine does not say. */
  readonly finishedAtMs: number | null;
  /** Restarted by the engine itself (any restart policy but `no`). */
  readonly restartsItself: boolean;
  readonly address: string | null;
  readonly ports: readonly PublishedPort[];
  /** `com.docker.compose.*` and `com.docker.swarm.*` facts, where present. */
  readonly compose: ComposeFacts | null;
  readonly swarmTaskId: string | null;
  readonly swarmServiceName: string | null;
}

/** What Compose wrote on a container: enough to scale its service with Compose itself. */
export interface ComposeFacts {
  readonly project: string;
  readonly service: string;
  readonly number: number;
  /** Empty when the labels do not say. */
  readonly workingDirectory: string;
  readonly configFiles: readonly string[];
}

export type ContainerState = "created" | "running" | "paused" | "restarting" | "exited" | "dead" | "removing";

/** Docker's own HEALTHCHECK; `none` when the image and the template have none. */
export type DockerHealth = "none" | "starting" | "healthy" | "unhealthy";

export interface PublishedPort {
  readonly container: number;
  readonly host: number;
  readonly hostIp: string;
  readonly protocol: "tcp" | "udp";
}

/** One service instance as Consul lists it. `meta` keys beginning with `heal-` are ours. */
export interface Registration {
  readonly id: string;
  /** Consul's name of a service: what DNS answers to. */
  readonly name: string;
  readonly node: string;
  readonly nodeStatus: CheckStatus;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  /** Worst of the instance's own checks (the node's are in `nodeStatus`); passing when it has none. */
  readonly status: CheckStatus;
  readonly inMaintenance: boolean;
  /** Why, in the words of whoever put it there; absent when it is not. */
  readonly maintenanceReason?: string;
  /** What the worst check said, shortened. */
  readonly output: string;
  readonly modifyIndex: number;
}

export type CheckStatus = "passing" | "warning" | "critical";

/** One running copy of a service: a container, joined with its Consul registration where it has one. */
export interface Instance {
  readonly container: Container;
  readonly registration: Registration | null;
  /** False when the host does not answer and this is only what was last seen (or remembered) there. */
  readonly current: boolean;
}
