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
import { container } from "./container-schema.ts";
import { serviceDefaults as defaults } from "./defaults.ts";
import { limits } from "./limits.ts";
import { redis } from "./redis-schema.ts";

/**
 * What a desired-state file may hold: the one source of the published JSON Schema, the compiled validator, the types
 * and the reference page. Imported for its types only; `scripts/schema/generate.ts` alone runs it.
 */
const name = (description: string) => matching(namePattern, nameExpected, { description });
const dockerName = (description: string) =>
  matching("^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$", "letters, digits, dots, underscores and hyphens", { description });
const port = (description: string) => integer(1, 65_535, { description });

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

const serviceSchema = object(
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
export type HealthFile = Static<typeof health>;
