import type { Secret } from "../../model/secret.ts";
import { secret as asSecret } from "../../model/secret.ts";
import type { Message, Notifier } from "../../ports/notifier.ts";
import type { Way } from "./post.ts";
import { poster } from "./post.ts";
import { byStatus, taken } from "./verdict.ts";

export interface AlertmanagerOptions extends Way {
  readonly name: string;
  /** Base address, without `/api/v2`. */
  readonly url: Secret;
  /** Sent as a bearer token; null: none. */
  readonly token: Secret | null;
}

const REFRESH_EVERY_MS = 60_000;
/** As Prometheus does: an alert outlives three reminders that got lost, and ends by itself when nobody reminds any more. */
const OUTLIVES_REFRESHES = 4;

/**
 * Alertmanager's API v2. It groups, silences and routes by itself, so it gets every alert by its labels, never a digest,
 * and is reminded of what fires before it takes it for over.
 */
export function alertmanagerNotifier({ name, url, token, ...way }: AlertmanagerOptions): Notifier {
  const { post, close } = poster(way);
  const address = asSecret(`${url.reveal().replace(/\/+$/, "")}/api/v2/alerts`);
  const headers = token === null ? {} : { authorization: asSecret(`Bearer ${token.reveal()}`) };
  return {
    name,
    kind: "alertmanager",
    limits: { rate: null, joins: false, refreshEveryMs: REFRESH_EVERY_MS },
    async send(message, signal) {
      const body = JSON.stringify([alertOf(message, Date.now())]);
      return byStatus(await post({ url: address, headers, body }, signal)) ?? taken;
    },
    close,
  };
}

/** The labels say which alert it is and so never hold what changes, but for the severity, by which people route. */
function alertOf(message: Message, nowMs: number): object {
  const { state, environment, kind, subject, severity, key, title, services, body } = message;
  const [service] = services.length === 1 ? services : [];
  const endsAtMs = state === "resolved" ? Math.min(message.atMs, nowMs) : nowMs + REFRESH_EVERY_MS * OUTLIVES_REFRESHES;
  const section = (heading: string): string => body.find((one) => one.heading === heading)?.lines.join("\n") ?? "";
  return {
    labels: {
      alertname: `Heal${kind.split("-").map(upperFirst).join("")}`,
      environment,
      subject,
      severity,
      heal_key: key,
      ...(service === undefined ? {} : { service }),
    },
    annotations: {
      summary: title,
      description: body.map(({ lines }) => lines.join("\n")).join("\n\n"),
      what: section(""),
      doing: section("What heal does"),
      advice: section("What you can do"),
      services: services.join(", "),
    },
    startsAt: isoTime(Math.min(message.sinceMs, endsAtMs - 1)),
    endsAt: isoTime(endsAtMs),
  };
}

function upperFirst(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}
