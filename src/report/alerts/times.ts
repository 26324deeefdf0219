import { formatDuration } from "../../model/duration.ts";

/** Making one takes longer than all else about a message, and they are all alike. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** Writes wall-clock times for people: `03:12 UTC`, and with the date when that is more than half a day from now. */
export function timeWriter(timeZone: string, nowMs: number): (atMs: number) => string {
  return (atMs) => {
    const parts = partsOf(timeZone, atMs);
    const time = `${parts.hour}:${parts.minute} ${parts.timeZoneName}`;
    if (Math.abs(nowMs - atMs) < 43_200_000) return time;
    return `${parts.year}-${parts.month}-${parts.day} ${time}`;
  };
}

/** The minute of the day on the clocks of a time zone, 0 … 1439. */
export function minuteOfDay(timeZone: string, atMs: number): number {
  const { hour, minute } = partsOf(timeZone, atMs);
  return Number(hour) * 60 + Number(minute);
}

function partsOf(timeZone: string, atMs: number): Partial<Record<Intl.DateTimeFormatPartTypes, string>> {
  const parts = formatOf(timeZone).formatToParts(atMs);
  return Object.fromEntries(parts.map(({ type, value }) => [type, value]));
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
      timeZoneName: "short",
    });
    formats.set(timeZone, format);
  }
  return format;
}

/** `40s`, `4m`, `2h10m`, `3d4h`: two units at the most. */
export function lengthText(ms: number): string {
  const unitMs = ms >= 86_400_000 ? 3_600_000 : ms >= 600_000 ? 60_000 : 1_000;
  return formatDuration(Math.max(0, Math.round(ms / unitMs) * unitMs));
}
