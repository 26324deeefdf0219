import { Type } from "typebox";
import type { Static } from "typebox";
import {
  choice,
  duration,
  exactlyOne,
  integer,
  line,
  list,
  map,
  matching,
  nameExpected,
  namePattern,
  object,
  optional,
  size,
  textOr,
} from "../json/schema-parts.ts";
import { serviceDefaults as defaults } from "./defaults.ts";
import { limits } from "./limits.ts";

/**
 * What a desired-state file may hold: the one source of the published JSON Schema, the compiled validator, the types
 * and the reference page. Imported for its types only; `scripts/schema/generate.ts` alone runs it.
 */
const name = (description: string) => matching(namePattern, nameExpected, { description });
const dockerName = (description: string) =>
  matching("^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$", "letters, digits, dots, underscores and hyphens", { description });
const port = (description: string) => integer(1, 65_535, { description });

const environmentValue = textOr(
  32_768,
  exactlyOne(
    {
      consulKey: optional(line(512, { description: "Key in Consul KV whose value is used." })),
      file: optional(
        line(4_096, {
          description: "File whose content is used, without the line break at its end. Relative to `heal.json`.",
        }),
      ),
      env: optional(
        matching("^[A-Za-z_][A-Za-z0-9_]*$", "a variable's name, such as API_KEY", {
          description: "Environment variable of `heal` itself whose value is used.",
        }),
      ),
    },
    { expected: 'one of { "consulKey": … }, { "file": … }, { "env": … }' },
  ),
  { expected: 'text, or one of { "consulKey": … }, { "file": … }, { "env": … }' },
);

const portTemplate = object(
  {
    container: port("Port the process listens on, inside the container."),
    host: optional(
      port("Port of the host. Left out, Docker picks a free one. A fixed one allows one instance per host."),
    ),
    hostIp: optional(
      matching("^[0-9A-Fa-f.:]{2,45}$", "an IP address", {
        description: "Address of the host to publish on; all of them by default.",
      }),
    ),
    protocol: optional(choice(["tcp", "udp"], { description: "Transport protocol.", default: "tcp" })),
  },
  { description: "A port to publish.", examples: [{ container: 8000 }] },
);

const healthcheck = object(
  {
    command: Type.Unsafe<string | readonly string[]>({
      type: ["string", "array"],
      minLength: 1,
      maxLength: 4_096,
      minItems: 1,
      maxItems: 256,
      items: Type.String({ maxLength: 4_096 }),
      expected: "a shell command, or a list of a program and its arguments",
      description: "Command that exits with 0 when all is well: text for the image's shell, or a list to run as it is.",
      examples: [["/bin/app", "ping"]],
    }),
    interval: optional(
      duration("1s", "1d", { description: "Time between two runs.", default: defaults.healthcheckInterval }),
    ),
    timeout: optional(duration("1s", "1h", { description: "Longest run.", default: defaults.healthcheckTimeout })),
    retries: optional(
      integer(1, 100, {
        description: "Failures in a row that make it unhealthy.",
        default: defaults.healthcheckRetries,
      }),
    ),
    startPeriod: optional(
      duration("0s", "1d", {
        description: "Time at the start in which failures do not count.",
        default: defaults.healthcheckStartPeriod,
      }),
    ),
  },
  { description: "Docker's own HEALTHCHECK, in place of the image's." },
);

const container = object(
  {
    image: matching("^[A-Za-z0-9][A-Za-z0-9._/:@-]*$", "an image such as shop/web:1.4.2", {
      description: "Image with tag or digest.",
      examples: ["shop/web:1.4.2"],
    }),
    command: optional(
      list(Type.String({ maxLength: 32_768 }), 1_024, {
        description: "Arguments in place of the image's own.",
        examples: [["serve", "--port", "8000"]],
      }),
    ),
    entrypoint: optional(
      list(Type.String({ maxLength: 32_768 }), 1_024, { description: "Program in place of the image's own." }),
    ),
    environment: optional(
      map(matching("^[A-Za-z_][A-Za-z0-9_.-]*$", "a variable's name, such as LOG_LEVEL"), environmentValue, 1_000, {
        description: "Environment variables: text, or where to get the value from when an instance is created.",
        examples: [{ LOG_LEVEL: "info", DB_URL: { consulKey: "config/shop/db-url" } }],
      }),
    ),
    ports: optional(
      list(portTemplate, 100, { description: "Ports to publish. The first is the one that Consul tells." }),
    ),
    volumes: optional(
      list(
        matching(
          "^(?:/[^:]*|[A-Za-z0-9](?:[A-Za-z0-9_.-]|\\{slot\\})*):/[^:]*(?::(?:ro|rw))?$",
          'text such as "shop-data:/var/lib/shop" or "/srv/shop:/srv:ro"',
        ),
        100,
        {
          description: "`source:target[:ro]`; the source is a volume's name or an absolute path. `{slot}` is replaced.",
          examples: [["sessions-{slot}:/data"]],
        },
      ),
    ),
    networks: optional(
      list(matching("^[A-Za-z0-9][A-Za-z0-9_.:-]*$", "a network's name"), 20, {
        uniqueItems: true,
        description: "Networks to join; Docker's default bridge by default. `host` needs to be allowed by `policy`.",
      }),
    ),
    labels: optional(
      map(
        matching("^[A-Za-z0-9][A-Za-z0-9._/-]{0,254}$", "a label's name, such as team"),
        Type.String({ maxLength: 4_096 }),
        200,
        {
          description: "Labels of the container, besides those of `heal`.",
          examples: [{ team: "shop" }],
        },
      ),
    ),
    user: optional(
      matching("^[A-Za-z0-9_.$-]{1,64}(?::[A-Za-z0-9_.$-]{1,64})?$", "a user or user:group", {
        description: "User and group to run as.",
      }),
    ),
    resources: optional(
      object(
        {
          cpus: optional(
            Type.Number({ minimum: 0.01, maximum: 1_024, description: "Share of processors, such as 0.5." }),
          ),
          memory: optional(
            size(6 * 2 ** 20, 2 ** 44, { description: "Memory beyond which it is killed.", examples: ["256MiB"] }),
          ),
        },
        { description: "Limits for one instance." },
      ),
    ),
    healthcheck: optional(healthcheck),
    stopSignal: optional(
      matching("^SIG[A-Z][A-Z0-9]{1,10}(?:[+-][0-9]{1,2})?$", "a signal such as SIGTERM", {
        description: "Signal that asks it to end; the image's own by default.",
      }),
    ),
    stopGrace: optional(
      duration("0s", "1h", {
        description: "Time it gets to end by itself before it is killed.",
        default: defaults.stopGrace,
      }),
    ),
    restart: optional(
      choice(["no", "on-failure", "always", "unless-stopped"], {
        description:
          "Docker's own restart policy. With `no`, every restart is `heal`'s, with its back-off and quarantine; with another, Docker brings back a crashed container by itself and sooner.",
        default: defaults.restart,
      }),
    ),
    init: optional(
      Type.Boolean({
        description: "Run an init as process 1, which passes signals on and reaps children.",
        default: false,
      }),
    ),
    privileged: optional(
      Type.Boolean({ description: "Full power over the host. Needs to be allowed by `policy`.", default: false }),
    ),
    pid: optional(
      matching("^(?:host|container:[A-Za-z0-9][A-Za-z0-9_.-]*)$", '"host" or "container:NAME"', {
        description: "Share this process namespace. Needs to be allowed by `policy`.",
      }),
    ),
    ipc: optional(
      matching(
        "^(?:host|private|shareable|none|container:[A-Za-z0-9][A-Za-z0-9_.-]*)$",
        '"private", "shareable", "none", "host" or "container:NAME"',
        {
          description: "Share this memory namespace. `host` and another container's need to be allowed by `policy`.",
        },
      ),
    ),
    capabilitiesAdd: optional(
      list(matching("^[A-Za-z_]{2,64}$", "a capability such as NET_ADMIN"), 64, {
        uniqueItems: true,
        description: "Linux capabilities beyond Docker's default ones. Each needs to be allowed by `policy`.",
      }),
    ),
  },
  {
    description:
      "How `heal` creates an instance. Left out, the service is adopted: a Swarm service or Compose project creates its containers.",
    expected: "an object with at least an image",
  },
);

const health = object(
  {
    http: optional(
      matching("^/[^\\s]*$", "a path such as /healthz", {
        description: "Path that answers 2xx when all is well.",
        examples: ["/healthz"],
      }),
    ),
    tcp: optional(Type.Literal(true, { description: "A connection to the port is enough.", expected: "true" })),
    ttl: optional(
      duration("1s", "1d", {
        description: "The service itself reports to Consul at least this often.",
        examples: ["30s"],
      }),
    ),
    port: optional(port("Container port that is asked; the first of `container.ports` by default.")),
    interval: optional(
      duration("1s", "1h", { description: "Time between two checks.", default: defaults.healthInterval }),
    ),
    timeout: optional(duration("100ms", "10m", { description: "Longest check.", default: defaults.healthTimeout })),
    startGrace: optional(
      duration("0s", "1d", {
        description: "Time a started instance may take to pass for the first time.",
        default: defaults.startGrace,
      }),
    ),
    deregisterAfter: optional(
      duration("1m", "365d", {
        description: "Consul itself drops a registration that has been critical for so long; never by default.",
      }),
    ),
  },
  {
    description:
      "Consul's check of an instance: exactly one of `http`, `tcp` and `ttl`. Left out, Docker's own health counts.",
    examples: [{ http: "/healthz", port: 8000, interval: "5s" }],
  },
);

const consul = object(
  {
    name: optional(
      matching("^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$", "letters, digits and inner hyphens, at most 63", {
        description: "Name in Consul and its DNS; the service's own by default.",
      }),
    ),
    tags: optional(
      list(line(255), 64, { uniqueItems: true, description: "Tags of every instance.", examples: [["web"]] }),
    ),
    meta: optional(
      map(
        matching("^[A-Za-z0-9_-]{1,128}$", "letters, digits, hyphens and underscores"),
        Type.String({ maxLength: 512 }),
        58,
        {
          description: "Metadata of every instance.",
          examples: [{ domain: "shop.example" }],
        },
      ),
    ),
    tagOverride: optional(
      Type.Boolean({
        description: "Whether others may change tags in the catalog (`EnableTagOverride`). Always so with `redis`.",
        default: false,
      }),
    ),
  },
  {
    description:
      "How instances appear in Consul. A service with a `container` is registered under its own name without it.",
  },
);

const redis = object(
  {
    downAfter: optional(
      duration("100ms", "10m", {
        description: "How long a master must be silent to count as down.",
        default: defaults.downAfter,
      }),
    ),
    masterTag: optional(line(255, { description: "Consul tag of the writable node.", default: defaults.masterTag })),
    replicaTag: optional(line(255, { description: "Consul tag of the others.", default: defaults.replicaTag })),
    minReplicasToWrite: optional(
      integer(0, 100, {
        description:
          "Replicas without which the master refuses writes; 1 by default where `count` is at least 3, else 0.",
      }),
    ),
    maxDataLoss: optional(
      size(0, 2 ** 50, {
        description: "A failover that would lose more than this waits for a person; no bound by default.",
        examples: ["1MiB"],
      }),
    ),
    authority: optional(
      choice(["heal", "sentinel"], {
        description: "Who decides on a failover. With `sentinel`, `heal` only keeps the tags.",
        default: defaults.authority,
      }),
    ),
  },
  { description: "The service is one Redis master and `count` − 1 replicas, told apart by tags in Consul." },
);

export const serviceSchema = object(
  {
    count: integer(0, 10_000, { description: "Healthy instances wanted. 0 is a wish like any other." }),
    runtime: optional(
      choice(["engine", "compose", "swarm"], {
        description:
          "What starts instances. By default `engine` with a `container`, else whichever runs the service already.",
      }),
    ),
    adopt: optional(
      object(
        {
          swarmService: optional(dockerName("Swarm service; the service's own name by default.")),
          composeProject: optional(dockerName("Compose project; the service's own name by default.")),
          composeService: optional(
            dockerName("Service within the project; by default its only one, or the one with the service's own name."),
          ),
        },
        { description: "Where to find a service that exists already under another name." },
      ),
    ),
    container: optional(container),
    health: optional(health),
    consul: optional(consul),
    placement: optional(
      object(
        {
          hosts: optional(
            list(name("A host of `heal.json`."), 1_000, {
              minItems: 1,
              uniqueItems: true,
              description: "Hosts it may run on; all by default.",
            }),
          ),
          maxPerHost: optional(
            integer(1, 10_000, {
              description: "Most instances on one host; no bound by default, 1 with a fixed host port.",
            }),
          ),
        },
        { description: "Where instances may run." },
      ),
    ),
    healing: optional(
      object(
        {
          unhealthyAfter: optional(
            duration("1s", "1d", {
              description: "How long a check may stay critical before the instance is replaced.",
              default: defaults.unhealthyAfter,
            }),
          ),
          maxUnavailable: optional(
            integer(0, 10_000, {
              description: "How far below `count` a replacement may take the healthy ones.",
              default: defaults.maxUnavailable,
            }),
          ),
          lostAfter: optional(
            duration("1s", "7d", {
              description: "How long a host must be gone, by two sources, before its instances are replaced elsewhere.",
              default: defaults.lostAfter,
            }),
          ),
        },
        { description: "When `heal` steps in." },
      ),
    ),
    surplus: optional(
      object(
        {
          action: optional(
            choice(["alert", "trim"], {
              description: "`alert` tells a person and stops nothing; `trim` stops what is too many.",
              default: defaults.surplusAction,
            }),
          ),
          after: optional(
            duration("0s", "30d", { description: "How long there must be too many.", default: defaults.surplusAfter }),
          ),
        },
        { description: "What to do about more instances than asked for." },
      ),
    ),
    alerts: optional(
      object({ route: optional(name("Route of `heal.json`; `default` by default.")) }, { description: "Who is told." }),
    ),
    redis: optional(redis),
  },
  { description: "A group of equal containers.", expected: 'an object such as { "count": 3 }' },
);

export const desiredStateSchema = object(
  {
    $schema: optional(Type.String({ maxLength: 2_048, description: "Address of this schema, for editors." })),
    services: map(matching(namePattern, nameExpected), serviceSchema, limits.servicesMax, {
      description: "Services by name.",
      examples: [{ web: { count: 3 } }],
      expected: 'an object such as { "web": { "count": 3 } }',
    }),
  },
  {
    title: "heal desired state",
    description: "How many healthy containers each service needs, and what they are.",
    expected: 'an object such as { "services": { "web": { "count": 3 } } }',
  },
);

export type DesiredStateFile = Static<typeof desiredStateSchema>;
export type ServiceFile = Static<typeof serviceSchema>;
export type ContainerFile = Static<typeof container>;
export type HealthFile = Static<typeof health>;
export type RedisFile = Static<typeof redis>;
