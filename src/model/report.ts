import type { Action, ActionResult, Hold } from "./action.ts";
import type { Instance, Registration } from "./instance.ts";
import type { ServiceMemory } from "./memory.ts";
import type { HostObservation } from "./observation.ts";
import type { ServicePlan, Standing } from "./plan.ts";
import type { Problem } from "./problem.ts";
import type { Status } from "./status.ts";

/** The shapes that `--json` and the API give. A field may be added within a version; none changes its meaning. */
export const REPORT_VERSION = 1;

/** What `heal --dry-run` prints: what would be done and why, and what is held and why. */
export interface PlanReport {
  readonly version: typeof REPORT_VERSION;
  readonly environment: string;
  /** Of the actions and what they are about, not of times: `--expect` compares it. */
  readonly hash: string;
  readonly status: Status;
  readonly services: readonly ServicePlan[];
  /** When it was made, on the clock that `untilMs` of its holds is on. */
  readonly atMs?: number;
}

/** What `heal` prints: the plan it carried out, what came of it, and how things stand afterwards. */
export interface PassReport extends PlanReport {
  readonly results: readonly ActionResult[];
  readonly after: readonly Standing[];
}

export interface StatusReport {
  readonly version: typeof REPORT_VERSION;
  readonly environment: string;
  readonly status: Status;
  /** Wall clock, ISO 8601. */
  readonly at: string;
  readonly controller: ControllerReport;
  readonly hosts: readonly HostObservation[];
  readonly services: readonly ServiceReport[];
  /** Named troubles that concern more than one service: a freeze, an invalid desired state, a blind Consul. */
  readonly troubles: readonly string[];
}

export interface ControllerReport {
  readonly version: string;
  /** `one-shot` answers from a look of its own; `shadow` is a daemon that only watches. */
  readonly role: "leader" | "follower" | "suspended" | "shadow" | "one-shot";
  readonly leader: string | null;
  readonly since: string;
}

export interface ServiceReport {
  readonly service: string;
  readonly standing: Standing;
  /** ISO 8601: since when it has had this status, as far as is known. */
  readonly since: string | null;
  readonly holds: readonly Hold[];
  /** Planned and not yet carried out. */
  readonly planned: readonly Action[];
  readonly lastAction: HistoryEntry | null;
  readonly paused: { readonly until: string | null; readonly why: string } | null;
  /** ISO 8601: the end of the longest back-off of its slots. */
  readonly backOffUntil: string | null;
}

/** One line of a service's history. */
export interface HistoryEntry {
  /** ISO 8601. */
  readonly at: string;
  readonly kind: "action" | "hold" | "status" | "person";
  /** `start-instance heal.live.web.2.4 on h1`. */
  readonly what: string;
  readonly why: string;
  readonly outcome: "done" | "failed" | "skipped" | "held" | "noted";
  readonly detail: string | null;
}

/** What `heal why` prints: all that was seen of a service, which rule fired or held, and what was done. */
export interface WhyReport {
  readonly version: typeof REPORT_VERSION;
  readonly environment: string;
  readonly service: string;
  readonly standing: Standing;
  readonly since: string | null;
  readonly instances: readonly Instance[];
  readonly silentHosts: Readonly<Record<string, string>>;
  readonly ghosts: readonly Registration[];
  readonly foreign: readonly Registration[];
  /** `Consul, default read, index 1234` and the like: where the picture came from. */
  readonly seenBy: readonly string[];
  readonly planned: readonly Action[];
  readonly holds: readonly Hold[];
  readonly memory: ServiceMemory;
  readonly history: readonly HistoryEntry[];
  /** Field of the service → file that gave it. */
  readonly sources: Readonly<Record<string, string>>;
  /** When it was made, on the clock that the times in `memory` and `holds` are on. */
  readonly atMs?: number;
}

/** What `heal check` prints, worst last. */
export interface CheckReport {
  readonly version: typeof REPORT_VERSION;
  readonly environment: string;
  readonly status: Status;
  readonly services: readonly Pick<Standing, "service" | "status" | "summary">[];
}

/** What any command with `--json`, and the API, gives in place of its report when it fails. */
export interface ErrorReport {
  readonly version: typeof REPORT_VERSION;
  readonly error: {
    readonly code: ErrorCode;
    /** What is wrong and where, in a sentence. */
    readonly message: string;
    /** What to do about it; null when the message says it. */
    readonly advice: string | null;
    /** Every error of the files, for `configuration`. */
    readonly problems?: readonly Problem[];
    /** The hashes, for `plan-changed`. */
    readonly expected?: string;
    readonly actual?: string;
    /** The name that is not known and the one that was probably meant, for `unknown-service`. */
    readonly service?: string;
    readonly suggestion?: string | null;
  };
}

export type ErrorCode =
  | "usage"
  | "unknown-service"
  | "configuration"
  | "plan-changed"
  | "not-leader"
  | "unavailable"
  | "denied"
  | "exists"
  | "interrupted"
  | "bug";
