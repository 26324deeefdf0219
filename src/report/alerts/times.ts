import { formatDuration } from "../../model/duration.ts";

/** Writes wall-clock times for people: `03:12 UTC`, and with the date when that is more than half a day from now. */
export function timeWriter(timeZone: string, nowMs: number): (atMs: number) => string {
  // Made when first needed: making one takes longer than all else about a message.
  let format: Intl.DateTimeFormat | undefined;
  const options: Intl.DateTimeFormatOptions = {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  };
  return (atMs) => {
    format ??= new Intl.DateTimeFormat("en-GB", options);
    const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
    const time = `${parts["hour"]}:${parts["minute"]} ${parts["timeZoneName"]}`;
    if (Math.abs(nowMs - atMs) < 43_200_000) return time;
    return `${parts["year"]}-${parts["month"]}-${parts["day"]} ${time}`;
  };
}

/** `40s`, `4m`, `2h10m`, `3d4h`: two units at the most. */
export function lengthText(ms: number): string {
  const unitMs = ms >= 86_400_000 ? 3_600_000 : ms >= 600_000 ? 60_000 : 1_000;
  return formatDuration(Math.max(0, Math.round(ms / unitMs) * unitMs));
}
