import type { Alert, AlertRules } from "../../model/alert.ts";
import type { Message, MessageSection } from "../../ports/notifier.ts";
import { named } from "./wording.ts";
import { lengthText, timeWriter } from "./times.ts";

export interface MessageContext {
  readonly environment: string;
  readonly wallMs: number;
  readonly rules: Pick<AlertRules, "timezone">;
}

/** What all messages of one moment share. */
export interface Telling extends MessageContext {
  readonly time: (atMs: number) => string;
}

export function tellingOf(context: MessageContext): Telling {
  return { ...context, time: timeWriter(context.rules.timezone, context.wallMs) };
}

/** What is particular to one channel. */
interface Addressee {
  /** The broken channel in whose place this one is told, and why it does not take messages; or null. */
  readonly instead: { readonly channel: string; readonly failure: string | null } | null;
  /** Whether it has not been told of this before. */
  readonly first: boolean;
}

/** The message a channel gets for an alert: what and since when first, then what `heal` does, then what to do. */
export function alertMessage(
  alert: Alert,
  state: Message["state"],
  sequence: number,
  context: Telling,
  addressee: Addressee,
): Message {
  const word = state === "resolved" ? "RESOLVED" : alert.severity.toUpperCase();
  return {
    id: `${alert.key}@${alert.sinceWallMs}#${sequence}`,
    key: alert.key,
    kind: alert.kind,
    subject: alert.subject,
    state,
    severity: alert.severity,
    environment: named(context.environment),
    title: `[heal ${named(context.environment)}] ${word} ${alert.summary}`,
    body: (state === "firing" ? firingBody(alert, context, addressee) : resolvedBody(alert, context, addressee)).filter(
      ({ lines }) => lines.length > 0,
    ),
    sinceMs: alert.sinceWallMs,
    atMs: state === "resolved" ? (alert.endWallMs ?? context.wallMs) : context.wallMs,
    services: alert.services,
  };
}

function firingBody(alert: Alert, { wallMs, time }: Telling, { instead, first }: Addressee): readonly MessageSection[] {
  const since = time(alert.sinceWallMs);
  const what = `${upperFirst(alert.what)}, since ${since} (${lengthText(wallMs - alert.sinceWallMs)}).`;
  const notes = [];
  if (!first) notes.push("You were told of this before; it goes on.");
  if (alert.firedAtMs.length > 1) notes.push(`It has come and gone ${alert.firedAtMs.length} times within the hour.`);
  if (instead !== null) {
    const why = instead.failure === null ? "" : ` (${instead.failure})`;
    notes.push(`You get this because the channel ${named(instead.channel)} does not take messages${why}.`);
  }
  return [
    { heading: "", lines: [what, ...notes] },
    { heading: "What heal does", lines: alert.doing === "" ? [] : [alert.doing] },
    { heading: "What you can do", lines: alert.advice },
    { heading: "Evidence", lines: alert.evidence },
  ];
}

function resolvedBody(alert: Alert, { wallMs, time }: Telling, { first }: Addressee): readonly MessageSection[] {
  const endMs = alert.endWallMs ?? wallMs;
  const since = time(alert.sinceWallMs);
  const lines = [
    `It is over. It lasted from ${since} to ${time(endMs)} (${lengthText(endMs - alert.sinceWallMs)}).`,
    `It was: ${alert.what}.`,
  ];
  if (first) lines.push("While it lasted this channel did not take the message about it.");
  return [{ heading: "", lines }];
}

function upperFirst(text: string): string {
  // Names keep their case: only our own words are sentences that begin.
  return /^(the|there|it|most|what|slot|host|no) /.test(text) ? text.slice(0, 1).toUpperCase() + text.slice(1) : text;
}

/** Several messages as one, for a channel that would not take so many: one line for each. `entries` is not empty. */
export function digestMessage(messages: readonly Message[], context: MessageContext): Message {
  const firing = messages.filter(({ state }) => state === "firing");
  const over = messages.filter(({ state }) => state === "resolved");
  const environment = named(context.environment);
  const parts = [
    ...(firing.length > 0 ? [`${firing.length} firing`] : []),
    ...(over.length > 0 ? [`${over.length} over`] : []),
  ];
  const severity = firing.some((one) => one.severity === "critical") ? "critical" : "warning";
  const word = firing.length > 0 ? severity.toUpperCase() : "RESOLVED";
  const withoutPrefix = ({ title }: Message): string => title.replace(`[heal ${environment}] `, "");
  return {
    id: `${environment}/digest/${messages.map(({ id }) => id).join(",")}`,
    key: `${environment}/digest/alerts`,
    kind: "digest",
    subject: "alerts",
    state: firing.length > 0 ? "firing" : "resolved",
    severity,
    environment,
    title: `[heal ${environment}] ${word} ${messages.length} alerts at once: ${parts.join(", ")}`,
    body: [
      { heading: "", lines: [`${messages.length} alerts came at once and are joined here: ${parts.join(", ")}.`] },
      { heading: "Firing", lines: firing.map(withoutPrefix) },
      { heading: "Over", lines: over.map(withoutPrefix) },
      { heading: "What you can do", lines: ["`heal alert list` shows them all; `heal why <service>` explains one."] },
    ].filter(({ lines }) => lines.length > 0),
    sinceMs: Math.min(...messages.map(({ sinceMs }) => sinceMs)),
    atMs: context.wallMs,
    services: [...new Set(messages.flatMap(({ services }) => services))].slice(0, 40),
  };
}

/** What `heal alert test <channel>` sends. */
export function testMessage(channel: string, context: MessageContext): Message {
  const environment = named(context.environment);
  return {
    id: `${environment}/test/${named(channel)}@${context.wallMs}#1`,
    key: `${environment}/test/${named(channel)}`,
    kind: "test",
    subject: named(channel),
    state: "firing",
    severity: "warning",
    environment,
    title: `[heal ${environment}] TEST ${named(channel)}: this is how alerts arrive`,
    body: [
      {
        heading: "",
        lines: [
          `Someone ran \`heal alert test ${named(channel)}\` at ${tellingOf(context).time(context.wallMs)}. Nothing is wrong.`,
        ],
      },
      { heading: "What you can do", lines: ["Nothing. If this reached everyone it should, the channel works."] },
    ],
    sinceMs: context.wallMs,
    atMs: context.wallMs,
    services: [],
  };
}
