import { formatDuration } from "../../model/duration.ts";

/** `350ms`, `1.5s`, `12s`, `3h10m`, `4d`: as exact as somebody who reads it needs. */
export function spelled(ms: number): string {
  if (ms < 1_000) return `${Math.round(Math.max(0, ms))}ms`;
  if (ms < 10_000) return `${Number((ms / 1_000).toFixed(1))}s`;
  const step = ms < 3_600_000 ? 1_000 : ms < 86_400_000 ? 60_000 : 3_600_000;
  return formatDuration(Math.round(ms / step) * step);
}

/** `3m20s ago` for an ISO time, as seen from another one; the time itself where either cannot be read. */
export function ago(iso: string, fromIso: string): string {
  const ms = Date.parse(fromIso) - Date.parse(iso);
  return Number.isNaN(ms) ? iso : `${spelled(ms)} ago`;
}

/** `1 service`, `2 services`. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}

/** `2026-11-21 03:12:40Z`: an ISO time without what nobody reads. */
export function clockTime(iso: string): string {
  return iso.replace(/^([0-9-]+)T([0-9:]+)(?:\.[0-9]+)?Z$/, "$1 $2Z");
}
