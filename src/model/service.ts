/** What starts instances of a service. `null` in a Service means: adopt whichever one runs it already. */
export type RuntimeKind = "engine" | "compose" | "swarm";

/** One service of the desired state, validated and with every default filled in. Durations are milliseconds. */
export interface Service {
  readonly name: string;
  /** Healthy instances wanted; 0 is a wish like any other. */
  readonly count: number;
  readonly runtime: RuntimeKind | null;
  /** Where an adopted service is found; by default a Swarm service or Compose project of the service's own name. */
  readonly adopt: Adoption;
  /** How `heal` creates an instance; null for an adopted service, which its own runtime creates. */
  readonly container: ContainerTemplate | null;
  readonly health: HealthCheck | null;
  /** How instances appear in Consul; null: not registered by `heal`, judged by Docker's own health. */
  readonly consul: ConsulTemplate | null;
  readonly placement: Placement;
  readonly healing: Healing;
  readonly surplus: { readonly action: "alert" | "trim"; readonly afterMs: number };
  readonly alerts: { readonly route: string | null };
  readonly redis: RedisRoles | null;
  /** Hash of all that shapes an instance (container, health, consul); null when there is no container template. */
  readonly specHash: string | null;
}

export interface Adoption {
  readonly swarmService: string;
  readonly composeProject: string;
  /** null: the project's only service, or the one with the service's own name. */
  readonly composeService: string | null;
}

export interface ContainerTemplate {
  readonly image: string;
  readonly command: readonly string[] | null;
  readonly entrypoint: readonly string[] | null;
  readonly environment: Readonly<Record<string, EnvironmentValue>>;
  readonly ports: readonly PortTemplate[];
  /** `source:target[:ro]`; `{slot}` is replaced by the instance's slot. */
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly user: string | null;
  readonly resources: { readonly cpus: number | null; readonly memoryBytes: number | null };
  readonly healthcheck: DockerHealthcheck | null;
  readonly stopSignal: string | null;
  readonly stopGraceMs: number;
  readonly restart: "no" | "on-failure" | "always" | "unless-stopped";
  readonly init: boolean;
  readonly privileged: boolean;
  readonly pid: string | null;
  readonly ipc: string | null;
  readonly capabilitiesAdd: readonly string[];
}

/** A literal, or a reference that is resolved when the instance is created and never logged. */
export type EnvironmentValue =
  | { readonly kind: "literal"; readonly value: string }
  | { readonly kind: "consul-key"; readonly key: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "variable"; readonly name: string };

export interface PortTemplate {
  readonly container: number;
  /** null: Docker picks a free host port. */
  readonly host: number | null;
  readonly hostIp: string | null;
  readonly protocol: "tcp" | "udp";
}

export interface DockerHealthcheck {
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly startPeriodMs: number;
}

export interface HealthCheck {
  readonly probe:
    | { readonly kind: "http"; readonly path: string }
    | { readonly kind: "tcp" }
    | { readonly kind: "ttl"; readonly ttlMs: number };
  /** Container port the check asks; null: the first of `container.ports`. */
  readonly port: number | null;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** How long a started instance may take to pass before it counts as unhealthy. */
  readonly startGraceMs: number;
  readonly deregisterAfterMs: number | null;
}

export interface ConsulTemplate {
  readonly name: string;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly tagOverride: boolean;
}

export interface Placement {
  /** null: every host of the environment. */
  readonly hosts: readonly string[] | null;
  readonly maxPerHost: number | null;
}

export interface Healing {
  /** How long a check may stay critical before the instance is replaced. */
  readonly unhealthyAfterMs: number;
  readonly maxUnavailable: number;
  /** How long a host must be gone, by two sources, before its instances are replaced elsewhere. */
  readonly lostAfterMs: number;
}

export interface RedisRoles {
  readonly downAfterMs: number;
  readonly masterTag: string;
  readonly replicaTag: string;
  readonly minReplicasToWrite: number;
  readonly maxDataLossBytes: number | null;
  readonly authority: "heal" | "sentinel";
  /** How `heal` and, unless there is a user for it, the replicas log in; absent: without a password. */
  readonly auth?: RedisAuth | null;
  readonly tls?: RedisTls | null;
  /** Whom to ask with `authority: "sentinel"`. */
  readonly sentinel?: { readonly addresses: readonly string[]; readonly masterName: string } | null;
}

export interface RedisAuth {
  /** null: the default user, whose password is `requirepass`. */
  readonly username: string | null;
  readonly password: EnvironmentValue;
  /** The user that replicas log in with at the master; null: the same. */
  readonly replica: { readonly username: string; readonly password: EnvironmentValue } | null;
}

/** Paths of PEM files as `heal` sees them. */
export interface RedisTls {
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
  readonly serverName: string | null;
}

/** The validated content of all desired-state files of one environment. */
export interface DesiredState {
  readonly environment: string;
  readonly services: Readonly<Record<string, Service>>;
  /** Which file each service (and each of its top-level fields) came from: `services.web.count` → `live/web.json`. */
  readonly sources: Readonly<Record<string, string>>;
  /** Hash of the whole content, to tell a change from a touch. */
  readonly hash: string;
}
