import { formatDuration } from "../../model/duration.ts";

/** `03:12 UTC`, and with its date when that was more than half a day before `nowMs`. Wall-clock milliseconds. */
export function timeText(atMs: number, nowMs: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  });
  const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const time = `${parts["hour"]}:${parts["minute"]} ${parts["timeZoneName"]}`;
  if (Math.abs(nowMs - atMs) < 43_200_000) return time;
  return `${parts["year"]}-${parts["month"]}-${parts["day"]} ${time}`;
}

/** `40s`, `4m`, `2h10m`, `3d4h`: two units at the most. */
export function lengthText(ms: number): string {
  const unitMs = ms >= 86_400_000 ? 3_600_000 : ms >= 600_000 ? 60_000 : 1_000;
  return formatDuration(Math.max(0, Math.round(ms / unitMs) * unitMs));
}
