import { createHash } from "node:crypto";
import { createTransport } from "nodemailer";
import type { Secret } from "../../model/secret.ts";
import type { Delivery, Message, Notifier } from "../../ports/notifier.ts";
import { htmlOf } from "./html.ts";
import { whyNotSent } from "./failure.ts";
import { plainTextOf } from "./plain-text.ts";
import type { MailServer } from "./transport.ts";
import { transportOptions } from "./transport.ts";

export interface MailOptions extends MailServer {
  readonly name: string;
  /** One address, with a name before it in angle-bracket form if wanted. */
  readonly from: string;
  readonly to: readonly string[];
  readonly password: Secret | null;
}

/** A person reads no more than this; beyond it mails are joined. */
const LIMITS = { rate: { messages: 10, perMs: 60_000 }, joins: true, refreshEveryMs: null } as const;

/**
 * Mail over SMTP, one connection for each message. Recipients come from the settings alone. Who was refused for the
 * moment while others were served is tried again alone, so that nobody gets the same mail twice.
 */
export function mailNotifier(options: MailOptions): Notifier {
  const { name, to } = options;
  /** By message id: who has still to get it. */
  const partly = new Map<string, readonly string[]>();
  return {
    name,
    kind: "mail",
    limits: LIMITS,
    async send(message, signal) {
      const recipients = partly.get(message.id) ?? to;
      const transport = createTransport({
        ...transportOptions(options),
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      try {
        const mail = {
          ...mailOf(message, options),
          envelope: { from: addressOf(options.from), to: recipients.map(addressOf) },
        };
        const { rejected, rejectedErrors } = await transport.sendMail({ ...mail, signal });
        return settle(message, rejected, rejectedErrors ?? []);
      } catch (error) {
        return whyNotSent(error, secretsOf(options));
      } finally {
        transport.close();
      }
    },
    close: () => partly.clear(),
  };

  function settle(message: Message, rejected: readonly string[], errors: readonly unknown[]): Delivery {
    partly.delete(message.id);
    if (rejected.length === 0) return { kind: "taken" };
    const failures = errors.map((error) => whyNotSent(error, secretsOf(options)));
    const first = failures.find(({ permanent }) => !permanent) ?? failures[0];
    const reason = `${rejected.length} of ${to.length} recipients refused (${rejected.join(", ")}): ${first?.reason ?? "no reason given"}`;
    if (failures.every(({ permanent }) => permanent)) return { kind: "taken", note: reason };
    if (partly.size >= PARTLY_MAX) partly.clear();
    partly.set(message.id, rejected);
    return { kind: "failed", reason, retryAfterMs: null, permanent: false };
  }
}

const PARTLY_MAX = 100;

function secretsOf({ password, user }: MailOptions): readonly string[] {
  const plain = password?.reveal() ?? "";
  // As they travel in AUTH LOGIN and AUTH PLAIN, in case a server repeats them.
  const forms = [plain, `\u0000${user ?? ""}\u0000${plain}`];
  return plain === "" ? [] : [...forms, ...forms.map((text) => Buffer.from(text).toString("base64"))];
}

/**
 * Mails about one key hang together in a mailbox: each refers to a first one of that key, which need not exist. The
 * id of a mail is the same for every try, so that a mail sent twice is seen as one where that is looked for.
 */
function mailOf(message: Message, { name, from, to }: MailOptions) {
  const domain = addressOf(from).split("@").at(-1) ?? "localhost";
  const id = (text: string): string =>
    `<heal.${createHash("sha256").update(text).digest("hex").slice(0, 32)}@${domain}>`;
  const thread = id(`thread ${message.key}`);
  return {
    from,
    to: [...to],
    subject: message.title,
    text: plainTextOf(message),
    html: htmlOf(message),
    messageId: id(`${name} ${message.id}`),
    inReplyTo: thread,
    references: [thread],
    priority: message.severity === "critical" && message.state === "firing" ? ("high" as const) : ("normal" as const),
    headers: {
      // RFC 3834 and what Exchange wants: no out-of-office answers to a program.
      "Auto-Submitted": "auto-generated",
      "X-Auto-Response-Suppress": "All",
      "X-Heal-Key": message.key,
      "X-Heal-State": message.state,
      "X-Heal-Severity": message.severity,
      "X-Heal-Environment": message.environment,
    },
  };
}

/** `ops@shop.example` of `Operations <ops@shop.example>`. */
function addressOf(text: string): string {
  return /<([^<>]+)>\s*$/.exec(text)?.[1] ?? text.trim();
}
