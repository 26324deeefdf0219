import { Type } from "typebox";
import type { Static, TProperties } from "typebox";
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
  textOr,
} from "../json/schema-parts.ts";
import { settingsDefaults as defaults } from "./defaults.ts";

/** Where a secret is read from. There is no way to write one into the file itself. */
export function secretReference(description: string) {
  return exactlyOne(referenceKeys, {
    description,
    expected: secretExpected,
    sensitive: true,
    examples: [{ file: "secrets/name" }],
  });
}

const referenceKeys = {
  file: optional(
    line(4_096, {
      description: "File whose content is used, without the line break at its end. Relative to `heal.json`.",
    }),
  ),
  env: optional(
    matching("^[A-Za-z_][A-Za-z0-9_]*$", "a variable's name", {
      description: "Environment variable whose value is used.",
      sensitive: true,
    }),
  ),
};

const secretExpected =
  'a reference, { "file": "secrets/name" } or { "env": "NAME" }: a secret is never written into this file';

const textOrReference = (lengthMax: number, description: string) =>
  textOr(lengthMax, exactlyOne(referenceKeys, { expected: secretExpected, sensitive: true }), {
    description,
    expected: `text, or a reference such as { "file": "secrets/name" } or { "env": "NAME" }`,
    sensitive: true,
  });

export const tls = object(
  {
    ca: optional(
      line(4_096, { description: "File with the certificate authorities to trust; the system's by default." }),
    ),
    certificate: optional(line(4_096, { description: "File with the client certificate." })),
    key: optional(line(4_096, { description: "File with the client certificate's key." })),
    serverName: optional(line(255, { description: "Name to expect in the server's certificate." })),
    verify: optional(Type.Boolean({ description: "Whether the server's certificate is checked.", default: true })),
  },
  { description: "TLS of an `https` address. Files are relative to `heal.json`." },
);

function channel<const K extends string, P extends TProperties>(kind: K, properties: P, description: string) {
  return object(
    {
      kind: Type.Literal(kind, { description }),
      ...properties,
      timeout: optional(duration("1s", "5m", { description: "Longest delivery.", default: defaults.channelTimeout })),
      attempts: optional(
        integer(1, 20, {
          description: "Tries of one delivery before the channel counts as broken.",
          default: defaults.attempts,
        }),
      ),
    },
    { title: kind, description },
  );
}

const address = (description: string) =>
  matching("^[^\\s<>]+@[^\\s<>]+$|^[^\\r\\n<>]*<[^\\s<>]+@[^\\s<>]+>$", "a mail address such as ops@shop.example", {
    description,
  });
const robotUrl = secretReference("Address of the robot, whose key it holds.");

const mail = channel(
  "mail",
  {
    smtp: textOrReference(1_024, "Server: `smtp://host:25`, or `smtps://host:465` for TLS from the start."),
    user: optional(line(255, { description: "Name to log in with." })),
    password: optional(secretReference("Password to log in with.")),
    startTls: optional(
      choice(["required", "opportunistic", "never"], {
        description: "TLS on an `smtp` connection.",
        default: defaults.startTls,
      }),
    ),
    tls: optional(tls),
    from: address("Who it comes from."),
    to: list(address("An address."), 100, { minItems: 1, uniqueItems: true, description: "Who gets it." }),
  },
  "Mail over SMTP.",
);

/** How the HTTP channels get to their receiver. */
const way = {
  tls: optional(tls),
  proxy: optional(textOrReference(2_048, "HTTP proxy to go through, such as `http://proxy.shop.example:3128`.")),
};

const slack = channel(
  "slack",
  { url: secretReference("Address of the incoming webhook."), ...way },
  "Slack, or what takes its messages.",
);

const dingtalk = channel(
  "dingtalk",
  { url: robotUrl, secret: optional(secretReference("Key that messages are signed with.")), ...way },
  "A DingTalk robot.",
);

const feishu = channel(
  "feishu",
  { url: robotUrl, secret: optional(secretReference("Key that messages are signed with.")), ...way },
  "A Feishu robot.",
);

const wecom = channel("wecom", { url: robotUrl, ...way }, "A WeCom robot.");

const alertmanager = channel(
  "alertmanager",
  {
    url: textOrReference(2_048, "Base address, such as `http://alertmanager:9093`."),
    token: optional(secretReference("Bearer token.")),
    ...way,
  },
  "Prometheus Alertmanager, API version 2.",
);

const webhook = channel(
  "webhook",
  {
    url: textOrReference(2_048, "Address to send to."),
    method: optional(choice(["POST", "PUT"], { description: "HTTP method.", default: defaults.method })),
    headers: optional(
      map(
        matching("^[A-Za-z0-9-]{1,64}$", "a header's name"),
        textOrReference(8_192, "Text, or a reference where it is a secret."),
        50,
        { description: "Headers to send." },
      ),
    ),
    template: optional(
      line(4_096, {
        description: "Liquid template of the body, relative to `heal.json`; `heal`'s own JSON by default.",
      }),
    ),
    contentType: optional(line(255, { description: "What the body is.", default: defaults.contentType })),
    accept: optional(
      object(
        {
          field: line(255, { description: "Top-level field of its JSON answer." }),
          equals: Type.Union([Type.String({ maxLength: 255 }), Type.Number(), Type.Boolean()], {
            description: "What the field says when the message was taken.",
          }),
        },
        {
          description:
            "For a receiver that answers 200 whatever happened: the field of its answer that tells. By default the status decides.",
        },
      ),
    ),
    ...way,
  },
  "Any HTTP address; reaches SMS gateways by way of a template.",
);

const kinds = [mail, slack, dingtalk, wecom, feishu, alertmanager, webhook] as const;

export const channelSchema = Type.Unsafe<ChannelFile>({
  type: "object",
  discriminator: { propertyName: "kind" },
  oneOf: kinds,
  description: "A way to tell a person or a system.",
});

export type ChannelFile = Static<(typeof kinds)[number]>;
export type ReferenceFile = Static<ReturnType<typeof secretReference>>;
export type TlsFile = Static<typeof tls>;
