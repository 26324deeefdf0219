import type { Static } from "typebox";
import {
  choice,
  duration,
  exactlyOne,
  integer,
  line,
  list,
  matching,
  object,
  optional,
  size,
} from "../json/schema-parts.ts";
import { serviceDefaults as defaults } from "./defaults.ts";

/** The `redis` section: one master and its replicas. */
const path = (description: string) => line(4_096, { description });
/** Never the secret itself: desired-state files are read by many. */
const reference = (description: string) =>
  exactlyOne(
    {
      consulKey: optional(line(512, { description: "Key in Consul KV that holds it." })),
      file: optional(path("File that holds it, relative to `heal.json`.")),
      env: optional(
        matching("^[A-Za-z_][A-Za-z0-9_]*$", "a variable's name, such as REDIS_PASSWORD", {
          description: "Environment variable of `heal` itself that holds it.",
        }),
      ),
    },
    { description, expected: 'one of { "consulKey": … }, { "file": … }, { "env": … }' },
  );

export const redis = object(
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
    auth: optional(
      object(
        {
          username: optional(
            line(255, { description: "ACL user of `heal`; the default user, with `requirepass`, without." }),
          ),
          password: reference("Its password."),
          replica: optional(
            object(
              {
                username: line(255, { description: "ACL user of the replicas at the master." }),
                password: reference("Its password."),
              },
              { description: "Another user for replication; by default the same." },
            ),
          ),
        },
        { description: "How `heal` and the replicas log in. Without it, nobody needs a password." },
      ),
    ),
    tls: optional(
      object(
        {
          ca: optional(path("Certificates that the nodes' are signed by; the system's by default.")),
          certificate: optional(path("Client certificate.")),
          key: optional(path("Key of the client certificate.")),
          serverName: optional(line(253, { description: "Name that the nodes' certificates must be for." })),
        },
        { description: "Speak TLS with the nodes. Files are PEM, relative to `heal.json`." },
      ),
    ),
    sentinel: optional(
      object(
        {
          addresses: list(matching("^[A-Za-z0-9_.-]{1,253}:[0-9]{1,5}$", "an address such as 10.0.0.5:26379"), 16, {
            minItems: 1,
            uniqueItems: true,
            description: "Where Sentinels answer.",
          }),
          masterName: line(255, { description: "Name of the group in Sentinel." }),
        },
        { description: 'Whom to ask with `authority: "sentinel"`.' },
      ),
    ),
  },
  { description: "The service is one Redis master and `count` − 1 replicas, told apart by tags in Consul." },
);

export type RedisFile = Static<typeof redis>;
