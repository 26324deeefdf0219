import type { AlertSeverity } from "./alert.ts";
import type { REPORT_VERSION } from "./report.ts";

/** What `heal alert list` prints. */
export interface AlertsReport {
  readonly version: typeof REPORT_VERSION;
  readonly environment: string;
  /** Names of all channels of the settings. */
  readonly channels: readonly string[];
  readonly alerts: readonly AlertRow[];
  readonly silences: readonly SilenceRow[];
}

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

export interface SilenceRow {
  readonly subject: string;
  /** Wall-clock milliseconds. */
  readonly untilWallMs: number;
  readonly why: string;
  readonly by: string;
}

/** What came of `heal alert test <channel>`. */
export interface AlertTestReport {
  readonly version: typeof REPORT_VERSION;
  readonly environment: string;
  readonly channel: string;
  readonly taken: boolean;
  /** Why the channel did not take it; null when it did. */
  readonly reason: string | null;
}
