import type { AlertRules, AlertSeverity, AlertState } from "../../model/alert.ts";
import { isAsleep, isSilenced } from "./routing.ts";

/** One line of `heal alert list`: plain data for a table and for `--json`. */
export interface AlertRow {
  readonly key: string;
  /** `clearing`: it seems over, and waits before it is said to be. */
  readonly state: "pending" | "firing" | "clearing" | "resolved";
  readonly severity: AlertSeverity;
  readonly summary: string;
  readonly services: readonly string[];
  /** Wall-clock milliseconds. */
  readonly sinceWallMs: number;
  /** Why nobody is told of it at present, or null. */
  readonly hushed: "silenced" | "quiet hours" | null;
  readonly channels: readonly {
    readonly name: string;
    readonly knows: "firing" | "resolved" | null;
    /** What it has still to be told, with why it has not taken it so far. */
    readonly owed: { readonly state: "firing" | "resolved"; readonly failure: string | null } | null;
  }[];
}

/** All alerts that are remembered, those that hold first, then the most urgent, then the oldest. */
export function alertRows(
  state: AlertState,
  now: { readonly nowMs: number; readonly wallMs: number; readonly rules: AlertRules },
): readonly AlertRow[] {
  const present = { ...now, silences: state.silences };
  const rows = Object.values(state.alerts).map((alert): AlertRow => {
    const { key, severity, summary, services, sinceWallMs, phase, clearSinceMs } = alert;
    return {
      key,
      state: phase === "firing" && clearSinceMs !== null ? "clearing" : phase,
      severity,
      summary,
      services,
      sinceWallMs,
      hushed: isSilenced(alert, present) ? "silenced" : isAsleep(alert, present) ? "quiet hours" : null,
      channels: Object.entries(alert.channels).map(([name, { taken, owed }]) => ({
        name,
        knows: taken,
        owed: owed === null ? null : { state: owed.state, failure: owed.failure },
      })),
    };
  });
  const order = { firing: 0, clearing: 0, pending: 1, resolved: 2 } as const;
  const rank = (row: AlertRow): number => order[row.state] * 2 + (row.severity === "critical" ? 0 : 1);
  return rows.sort((a, b) => rank(a) - rank(b) || a.sinceWallMs - b.sinceWallMs || (a.key < b.key ? -1 : 1));
}
