import type { SlotMemory } from "../../model/memory.ts";
import type { WhyReport } from "../../model/report.ts";
import { indent } from "./service-lines.ts";
import { spelled } from "./spell.ts";

/** What `heal` remembers of a service that shapes what it does next: pause, actions on their way, back-off, quarantine. */
export function rememberedLines({ memory, atMs }: WhyReport): readonly string[] {
  const { pause, inFlight, backOff } = memory;
  return [
    ...(pause === null ? [] : [`paused${left(pause.untilMs, atMs)}: ${pause.why}`]),
    ...inFlight.map(({ kind, subject, host, sinceMs }) => {
      const where = host === null ? "" : ` on ${host}`;
      return `on its way: ${kind} ${subject}${where}${atMs === undefined ? "" : `, sent ${spelled(atMs - sinceMs)} ago`}`;
    }),
    ...(backOff === null ? [] : [`back-off${left(backOff.untilMs, atMs)}: ${backOff.because}`]),
    ...Object.entries(memory.slots).flatMap(([slot, remembered]) => slotLines(slot, remembered, atMs)),
  ].map((line) => indent + line);
}

function slotLines(
  slot: string,
  { backOff, quarantinedAtMs, failuresAtMs, healthySinceMs }: SlotMemory,
  atMs: number | undefined,
) {
  const lines: string[] = [];
  if (quarantinedAtMs !== null) {
    const since = atMs === undefined ? "" : ` since ${spelled(atMs - quarantinedAtMs)}`;
    lines.push(`slot ${slot}: in quarantine${since} after ${failuresAtMs.length} failures`);
  }
  if (backOff !== null && healthySinceMs === null) {
    lines.push(
      `slot ${slot}: back-off of ${spelled(backOff.delayMs)}${left(backOff.untilMs, atMs)}: ${backOff.because}`,
    );
  }
  return lines;
}

function left(untilMs: number | null, atMs: number | undefined): string {
  if (untilMs === null || atMs === undefined) return "";
  return untilMs > atMs ? `, ${spelled(untilMs - atMs)} left` : ", over";
}
