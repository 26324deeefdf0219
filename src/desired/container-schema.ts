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
  object,
  optional,
  size,
  textOr,
} from "../json/schema-parts.ts";
import { serviceDefaults as defaults } from "./defaults.ts";

/** The `container` section: how an instance is created. */
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

export const container = object(
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

export type ContainerFile = Static<typeof container>;
