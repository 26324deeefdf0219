import type { PassReport, PlanReport, StatusReport, WhyReport } from "../model/report.ts";

/**
 * What a person or a script can ask of `heal`. The daemon answers it over its socket; without a daemon the command
 * line answers it itself, with a look of its own and under the same lock.
 */
export interface Controller {
  /** Names of the desired services, for checking and completing arguments. */
  services(): Promise<readonly string[]>;
  /** Empty: all services. Changes nothing anywhere. */
  planNow(services: readonly string[]): Promise<PlanReport>;
  /** One pass; with `expect` only if the plan still has that hash, else it rejects with `PlanChanged`. */
  pass(services: readonly string[], expect: string | null): Promise<PassReport>;
  status(services: readonly string[]): Promise<StatusReport>;
  why(service: string): Promise<WhyReport>;
  /** A hint that these services may have changed; empty: any may. Resolves when it was taken. */
  nudge(services: readonly string[]): Promise<void>;
  pause(service: string, options: { readonly forMs: number | null; readonly why: string }): Promise<void>;
  resume(service: string): Promise<void>;
  close(): Promise<void>;
}

/** The plan is not the one that was agreed to. */
export class PlanChanged extends Error {
  override readonly name = "PlanChanged";
  readonly expected: string;
  readonly actual: string;
  constructor(expected: string, actual: string) {
    super(`the plan has changed: it was ${expected}, it is ${actual} now; look at \`heal --dry-run\` again`);
    this.expected = expected;
    this.actual = actual;
  }
}

/** Somebody else holds the lock, and cannot be asked: nothing was done. */
export class NotLeader extends Error {
  override readonly name = "NotLeader";
}
