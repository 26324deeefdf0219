import type { AlertRules, AlertState } from "../../model/alert.ts";
import type { AlertRow } from "../../model/alert-report.ts";
import { isAsleep, isSilenced } from "./routing.ts";

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
