import { Type } from "typebox";
import type { Static } from "typebox";
import {
  choice,
  duration,
  integer,
  line,
  list,
  map,
  matching,
  nameExpected,
  namePattern,
  object,
  optional,
} from "../json/schema-parts.ts";
import { channelSchema, secretReference, tls } from "./channel-schema.ts";
import { settingsDefaults as defaults } from "./defaults.ts";

/**
 * What `heal.json` may hold: the one source of the published JSON Schema, the compiled validator, the types and the
 * reference page. Imported for its types only; `scripts/schema/generate.ts` alone runs it.
 */
const name = (description: string) => matching(namePattern, nameExpected, { description });
const names = matching(namePattern, nameExpected);
const timezone = (description: string) =>
  line(64, { description, default: defaults.timezone, examples: ["Europe/Berlin"] });
const share = (description: string, value: number) =>
  Type.Number({ exclusiveMinimum: 0, maximum: 1, description, default: value, expected: "a share above 0, at most 1" });

const consul = object(
  {
    address: optional(
      line(2_048, {
        description:
          "Agent to ask: `http://…`, `https://…` or `unix:///…`; `CONSUL_HTTP_ADDR` by default, else the local one.",
        default: defaults.consulAddress,
      }),
    ),
    datacenter: optional(line(255, { description: "Datacenter; the agent's own by default." })),
    token: optional(secretReference("ACL token; `CONSUL_HTTP_TOKEN_FILE` or `CONSUL_HTTP_TOKEN` by default.")),
    tls: optional(tls),
  },
  { description: "The Consul agent that is asked." },
);

const host = object(
  {
    docker: optional(
      line(2_048, {
        description: "Engine, in the words of `DOCKER_HOST`: `unix://`, `tcp://` or `ssh://`.",
        default: defaults.dockerAddress,
      }),
    ),
    tls: optional(
      object(
        {
          directory: line(4_096, {
            description: "Directory with `ca.pem`, `cert.pem` and `key.pem`, relative to `heal.json`.",
          }),
        },
        { description: "TLS of a `tcp://` engine." },
      ),
    ),
    consulAgent: optional(
      line(2_048, {
        description: "Agent that the host's containers are registered with; `consul.address` by default.",
      }),
    ),
    address: optional(
      line(255, { description: "Address under which they are registered; that of the agent's node by default." }),
    ),
  },
  { description: "A machine with a Docker engine." },
);

const route = object(
  {
    critical: optional(
      list(name("A channel."), 20, {
        uniqueItems: true,
        description: "Channels that are told of critical conditions.",
      }),
    ),
    warning: optional(
      list(name("A channel."), 20, { uniqueItems: true, description: "Channels that are told of warnings." }),
    ),
    fallback: optional(
      list(name("A channel."), 20, {
        uniqueItems: true,
        description: "Channels to try, in order, when one of the others stays broken.",
      }),
    ),
    wait: optional(
      duration("0s", "1d", {
        description: "How long a condition must hold before it is told.",
        default: defaults.wait,
      }),
    ),
    repeat: optional(
      duration("1m", "30d", { description: "How often a lasting one is told again.", default: defaults.repeat }),
    ),
    quietHours: optional(
      object(
        {
          from: matching("^(?:[01][0-9]|2[0-3]):[0-5][0-9]$", "a time such as 22:00", {
            description: "Their beginning.",
          }),
          to: matching("^(?:[01][0-9]|2[0-3]):[0-5][0-9]$", "a time such as 07:00", {
            description: "Their end; before the beginning it is the next day's.",
          }),
          timezone: optional(timezone("Time zone of the two.")),
        },
        { description: "Hours whose warnings wait for their end." },
      ),
    ),
  },
  { description: "Who is told, and how often." },
);

/** Sections that may stand at the top for all environments and within one, which is then merged over the former. */
const shared = {
  resync: optional(
    object(
      {
        schedule: optional(
          line(255, { description: "When everything is looked at anew, as cron has it.", default: defaults.schedule }),
        ),
        timezone: optional(timezone("Time zone of the schedule.")),
      },
      { description: "The look that makes good for lost events." },
    ),
  ),
  server: optional(
    object(
      {
        listen: optional(
          matching(
            "^(?:none|(?:\\[[0-9a-fA-F:]+\\]|[A-Za-z0-9.-]+):[0-9]{1,5})$",
            "host:port such as 127.0.0.1:7411, or none",
            {
              description: "Where the daemon answers over TCP; `none` for its socket alone.",
              default: defaults.listen,
            },
          ),
        ),
        advertise: optional(
          matching("^https?://[^\\s]+$", "an address such as http://192.0.2.11:7411", {
            description: "Address under which other machines reach it.",
          }),
        ),
        token: optional(
          secretReference("Bearer token for requests over TCP that change something; without it they are refused."),
        ),
        socket: optional(
          line(100, {
            description:
              "Socket for the command line. By default `/run/heal/ENVIRONMENT.sock` for root, else below `XDG_RUNTIME_DIR` or `/tmp`.",
          }),
        ),
      },
      { description: "What the daemon serves." },
    ),
  ),
  blastRadius: optional(
    object(
      {
        stopsPerWindow: optional(
          integer(1, 100_000, { description: "Most stops within the window.", default: defaults.stopsPerWindow }),
        ),
        window: optional(duration("1s", "1d", { description: "The window.", default: defaults.window })),
        shareOfFleet: optional(
          share("Most stops within the window, as a share of all instances.", defaults.shareOfFleet),
        ),
        checkerSickShare: optional(
          share(
            "Share of instances critical at once, while Docker runs them, from which the checker is taken for sick.",
            defaults.checkerSickShare,
          ),
        ),
      },
      { description: "How much may be stopped, whatever the reason." },
    ),
  ),
  policy: optional(
    object(
      {
        allow: optional(
          list(
            matching(
              "^(?:privileged|host-network|host-pid|host-ipc|container-network|container-pid|container-ipc|docker-socket|mount:/.*|cap:[A-Z_]+|file:/.*|variable:[A-Za-z_][A-Za-z0-9_]*)$",
              'a power such as "privileged", "host-network", "docker-socket", "mount:/etc" or "cap:NET_ADMIN"',
            ),
            1_000,
            {
              uniqueItems: true,
              description:
                "What desired-state files may ask for: `privileged`, `host-network`, `host-pid`, `host-ipc`, `container-network`, `container-pid`, `container-ipc`, `docker-socket`, `mount:/PATH`, `cap:NAME`, `file:/PATH`, `variable:NAME`.",
              default: [],
            },
          ),
        ),
      },
      { description: "Powers over hosts, refused unless named here." },
    ),
  ),
  alerts: optional(
    object(
      {
        channels: optional(map(names, channelSchema, 100, { description: "Ways to tell somebody, by name." })),
        routes: optional(
          map(names, route, 100, { description: "Who is told, by name; `default` is for services that name none." }),
        ),
      },
      { description: "Alerts." },
    ),
  ),
  leadership: optional(
    object(
      {
        checkTtl: optional(
          duration("1s", "1m", { description: "How soon a dead leader is noticed.", default: defaults.checkTtl }),
        ),
        lockDelay: optional(
          duration("1s", "1m", {
            description:
              "How long Consul then keeps the lock from others, so that late requests of the dead one have ended.",
            default: defaults.lockDelay,
          }),
        ),
      },
      { description: "Several daemons, of which one acts." },
    ),
  ),
  healing: optional(
    object(
      {
        backOff: optional(
          object(
            {
              initial: optional(
                duration("100ms", "1h", {
                  description: "Wait after the first failure; doubles with each.",
                  default: defaults.backOffInitial,
                }),
              ),
              max: optional(duration("1s", "1d", { description: "Longest wait.", default: defaults.backOffMax })),
              forgetAfter: optional(
                duration("1s", "7d", {
                  description: "Health after which failures are forgotten.",
                  default: defaults.backOffForgetAfter,
                }),
              ),
            },
            { description: "Waits between tries of one instance." },
          ),
        ),
        quarantine: optional(
          object(
            {
              failures: optional(
                integer(1, 1_000, {
                  description: "So many failures within the window set an instance aside.",
                  default: defaults.quarantineFailures,
                }),
              ),
              window: optional(
                duration("1s", "7d", { description: "The window.", default: defaults.quarantineWindow }),
              ),
              retry: optional(
                duration("1s", "7d", {
                  description: "How often it is tried again all the same.",
                  default: defaults.quarantineRetry,
                }),
              ),
            },
            { description: "When to stop trying so often." },
          ),
        ),
        startsPerHost: optional(
          integer(1, 100, {
            description: "Containers started at the same time on one host.",
            default: defaults.startsPerHost,
          }),
        ),
        agreeingReads: optional(
          integer(1, 10, {
            description: "Consistent reads that must agree before a suspect picture is believed.",
            default: defaults.agreeingReads,
          }),
        ),
        inFlight: optional(
          duration("5s", "1h", {
            description: "How long an action may be on its way before a look settles what became of it.",
            default: defaults.inFlight,
          }),
        ),
      },
      { description: "The planner's numbers, the same for every service." },
    ),
  ),
  log: optional(
    object(
      {
        level: optional(
          choice(["debug", "info", "warn", "error"], {
            description: "The least that is logged.",
            default: defaults.logLevel,
          }),
        ),
      },
      { description: "The log." },
    ),
  ),
};

const environment = object(
  {
    consul: optional(consul),
    hosts: optional(
      map(names, host, 1_000, {
        minProperties: 1,
        description: "Engines by name; by default one, `local`, as `DOCKER_HOST` and the docker CLI have it.",
      }),
    ),
    desiredState: optional(
      list(line(4_096), 20, {
        minItems: 1,
        uniqueItems: true,
        description: "Directories, relative to `heal.json`; a later one merges over an earlier one.",
        default: [defaults.desiredState],
      }),
    ),
    ...shared,
  },
  { description: "One Consul datacenter with its hosts and desired state." },
);

export const settingsSchema = object(
  {
    $schema: optional(Type.String({ maxLength: 2_048, description: "Address of this schema, for editors." })),
    defaultEnvironment: optional(
      name("Environment when neither `--env` nor `HEAL_ENV` names one; by default the only one."),
    ),
    environments: optional(
      map(names, environment, 100, {
        minProperties: 1,
        description: "Environments by name; by default one, `default`, with the local agent and the local engine.",
      }),
    ),
    ...shared,
  },
  {
    title: "heal settings",
    description: "Where Consul and Docker are, and how heal behaves.",
    expected: 'an object such as { "environments": … }',
  },
);

export type SettingsFile = Static<typeof settingsSchema>;
export type EnvironmentFile = Static<typeof environment>;
export type HostFile = Static<typeof host>;
export type ConsulFile = Static<typeof consul>;
export type RouteFile = Static<typeof route>;
