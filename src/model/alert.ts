import type { ActionResult, Hold } from "./action.ts";
import type { Instance } from "./instance.ts";
import type { FleetMemory, ServiceMemory } from "./memory.ts";
import type { HostObservation } from "./observation.ts";
import type { Standing } from "./plan.ts";
import type { Problem } from "./problem.ts";
import type { Service } from "./service.ts";

/** What conditions are judged from: plain data that a pass has at hand. Times are on the steady clock. */
export interface AlertFacts {
  readonly environment: string;
  readonly nowMs: number;
  /** What a reader must add to commands to mean this environment: ` --env test`, or nothing for the default one. */
  readonly commandSuffix: string;
  /** Every service of the desired state in force. */
  readonly services: Readonly<Record<string, ServiceFacts>>;
  readonly hosts: Readonly<Record<string, HostFacts>>;
  readonly fleet: FleetMemory;
  /** What is wrong with the files as they are now; null when nothing is. */
  readonly desiredState: DesiredStateTrouble | null;
  readonly leadership: LeadershipFacts;
  /** Keys of Memory that could not be read and were set aside. */
  readonly setAside: readonly { readonly key: string; readonly reason: string; readonly sinceMs: number }[];
}

export interface ServiceFacts {
  readonly service: Service;
  /** null: not looked at since this process began, which is not the same as all being well. */
  readonly standing: Standing | null;
  readonly memory: ServiceMemory;
  readonly holds: readonly Hold[];
  /** Results of the last pass that acted on it; null: none has since this process began. */
  readonly acted: { readonly results: readonly ActionResult[]; readonly atMs: number } | null;
  /** What of it was last seen. */
  readonly instances: readonly Instance[];
}

export interface HostFacts {
  readonly observation: HostObservation;
  /** What was last seen running there, whether or not it answers now. */
  readonly carried: readonly { readonly service: string; readonly instances: number }[];
}

export interface DesiredStateTrouble {
  readonly problems: readonly Problem[];
  readonly sinceMs: number;
  /** Whether an earlier, valid state is still in force; without one nothing is healed at all. */
  readonly lastGoodInForce: boolean;
}

export type LeadershipFacts =
  | { readonly kind: "led" }
  | { readonly kind: "leaderless"; readonly sinceMs: number; readonly reason: string }
  | { readonly kind: "unknown" };

export type AlertSeverity = "warning" | "critical";

/** `unknown` is one service that cannot be judged, `blind` the environment; `overflow` stands for what is beyond the limit. */
export type AlertKind =
  | "below-count"
  | "surplus"
  | "quarantine"
  | "action-failed"
  | "unknown"
  | "host-lost"
  | "freeze"
  | "blind"
  | "desired-state-invalid"
  | "leaderless"
  | "memory-set-aside"
  | "redis-roles"
  | "redis-failover"
  | "overflow";

/** Something that a person may have to be told. All texts are clean, of one line, and within their limits. */
export interface AlertCondition extends AlertText {
  /** `<environment>/<kind>/<subject>`: the same for as long as it is the same trouble. */
  readonly key: string;
  readonly kind: AlertKind;
  readonly subject: string;
  readonly severity: AlertSeverity;
  readonly services: readonly string[];
  /** Names of the routes it goes by. */
  readonly routes: readonly string[];
  /** Keys of conditions that this one is an effect of: while one of them lasts, this one is not told. */
  readonly causes: readonly string[];
  /** Since when, on the steady clock. */
  readonly sinceMs: number;
  /** How long it must last before it is told; null: as long as its route says. */
  readonly waitMs: number | null;
}

export interface AlertText {
  /** A few words for a subject line: `web: 1 more than asked for (4 of 3)`. */
  readonly summary: string;
  /** What is wrong, as a clause that "since …" can follow, without a full stop. */
  readonly what: string;
  /** What `heal` is doing about it. */
  readonly doing: string;
  /** What the reader can do; commands stand in backticks. */
  readonly advice: readonly string[];
  readonly evidence: readonly string[];
}

export interface Conditions {
  readonly holding: readonly AlertCondition[];
  /** Keys of conditions that cannot be told to hold or not to hold now: what fired before is not over for it. */
  readonly unclear: readonly string[];
}

export const ALERT_STATE_VERSION = 1;

/**
 * What alerting remembers: plain JSON, bounded, kept in Memory. Times ending in `…Ms` are on the steady clock of the
 * process that wrote them and are moved to the reader's own when it is read; `…WallMs` are for people.
 */
export interface AlertState {
  readonly version: typeof ALERT_STATE_VERSION;
  readonly savedAtMs: number;
  readonly alerts: Readonly<Record<string, Alert>>;
  readonly silences: readonly Silence[];
}

/**
 * The life of one key: pending (waits, nobody knows) → firing (told) → resolved (told that it is over; kept a while
 * to notice flapping and until every channel knows).
 */
export interface Alert extends AlertText {
  readonly key: string;
  readonly kind: AlertKind;
  readonly subject: string;
  /** The worst it has been while firing. */
  readonly severity: AlertSeverity;
  readonly services: readonly string[];
  readonly routes: readonly string[];
  readonly phase: "pending" | "firing" | "resolved";
  readonly waitMs: number | null;
  /** Since when it has been pending. */
  readonly pendingSinceMs: number;
  readonly sinceWallMs: number;
  /** Since when the condition has not held although the alert fires; null while it holds. */
  readonly clearSinceMs: number | null;
  readonly resolvedAtMs: number | null;
  readonly endWallMs: number | null;
  /** Times at which it began to fire within the flapping window. */
  readonly firedAtMs: readonly number[];
  /** Counts what was ever owed, so that the answer to an old message does not settle a newer one. */
  readonly sequence: number;
  /** By channel: what it knows and what it has still to be told. */
  readonly channels: Readonly<Record<string, ChannelRecord>>;
}

export interface ChannelRecord {
  /** What the channel last took. */
  readonly taken: "firing" | "resolved" | null;
  readonly takenAtMs: number | null;
  readonly owed: Owed | null;
}

export interface Owed {
  readonly state: "firing" | "resolved";
  readonly sequence: number;
  readonly sinceMs: number;
  /** Why the channel has not taken it so far, or null. */
  readonly failure: string | null;
  /** The channel has been tried as often as it may be: another one is told in its place. */
  readonly broken: boolean;
  /** Another one has been. */
  readonly escalated: boolean;
  /** The channel in whose place this one is told. */
  readonly insteadOf: string | null;
}

/** A person's wish not to hear of a service (or host) for a while. It ends when either clock says so. */
export interface Silence {
  readonly subject: string;
  readonly why: string;
  readonly by: string;
  readonly untilMs: number;
  readonly untilWallMs: number;
}

/** The routes of the settings, and the time zone in which people read times. */
export interface AlertRules {
  /** `default` takes what no other is named for. */
  readonly routes: Readonly<Record<string, AlertRoute>>;
  readonly timezone: string;
}

export interface AlertRoute {
  /** Channel names; every one of them is told. */
  readonly critical: readonly string[];
  readonly warning: readonly string[];
  /** Told, in order, in the place of one that stays broken. */
  readonly fallback: readonly string[];
  readonly waitMs: number;
  readonly repeatMs: number;
  readonly quietHours: AlertQuietHours | null;
}

/** Minutes since midnight in the time zone; `from` > `to` spans midnight. */
export interface AlertQuietHours {
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly timezone: string;
}
