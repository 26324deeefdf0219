const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
] as const;

/** Largest unit first, each at most once: `1h30m`, `500ms`. */
export const durationPattern =
  "^(?=[0-9])(?:[0-9]{1,9}d)?(?:[0-9]{1,9}h)?(?:[0-9]{1,9}m(?!s))?(?:[0-9]{1,9}s)?(?:[0-9]{1,9}ms)?$";

const shape = new RegExp(durationPattern);

/** Milliseconds of `10s`, `1m30s`, `500ms`, `1h`, `7d`; null for anything else. */
export function parseDuration(text: string): number | null {
  if (!shape.test(text)) return null;
  let totalMs = 0;
  for (const [, digits, unit] of text.matchAll(/([0-9]+)(ms|d|h|m|s)/g)) {
    totalMs += Number(digits) * (units.find(([name]) => name === unit)?.[1] ?? Number.NaN);
  }
  return totalMs;
}

/** The shortest exact writing of a whole number of milliseconds ≥ 0: what `parseDuration` reads back. */
export function formatDuration(ms: number): string {
  let rest = ms;
  let text = "";
  for (const [unit, unitMs] of units) {
    const amount = Math.floor(rest / unitMs);
    if (amount === 0) continue;
    text += `${amount}${unit}`;
    rest -= amount * unitMs;
  }
  return text === "" ? "0s" : text;
}
