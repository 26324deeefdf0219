import type { Problem } from "../model/problem.ts";
import type { AlertsReport, AlertTestReport } from "../model/alert-report.ts";
import type { RedisReport } from "../model/redis-report.ts";
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
  /** Says that a desired state which asks for suspiciously little is meant; its hash is in the refusal. */
  confirm(hash: string): Promise<void>;
  pause(service: string, options: { readonly forMs: number | null; readonly why: string }): Promise<void>;
  resume(service: string): Promise<void>;
  /** The roles of Redis services; absent where the one who answers does not know of them. */
  readonly redis?: RedisControl;
  readonly alerts: AlertControl;
  close(): Promise<void>;
}

/** Rejects with `ControllerError`: `mistaken` when the service has no roles, `refused` when it cannot be done now. */
export interface RedisControl {
  status(service: string): Promise<RedisReport>;
  /** Hands the master role over as planned, to a container's name or a slot's number; null: to the best replica. */
  switchover(service: string, to: string | null): Promise<RedisReport>;
  /** Takes a decision that `heal` leaves to a person: accepts a loss, or says which of two masters is the right one. */
  promote(service: string, to: string | null): Promise<RedisReport>;
}

/** What can be asked of alerting. */
export interface AlertControl {
  list(): Promise<AlertsReport>;
  /** Sends a test message and waits for the channel's answer. Rejects with `UnknownChannel`. */
  test(channel: string): Promise<AlertTestReport>;
  /** Keeps alerts about a service or host quiet for so long. */
  silence(
    subject: string,
    options: { readonly forMs: number; readonly why: string; readonly by: string },
  ): Promise<void>;
  /** Ends a silence before its time. Resolves as well when there is none. */
  endSilence(subject: string): Promise<void>;
}

/** No alert channel of that name is in the settings. */
export class UnknownChannel extends Error {
  override readonly name = "UnknownChannel";
  constructor(channel: string, known: readonly string[]) {
    super(
      `there is no alert channel "${channel}": ${known.length === 0 ? "none is set up" : `there are ${known.join(", ")}`}`,
    );
  }
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

/** This process does not hold the lock, and whoever does cannot be asked from here: nothing was done. */
export class NotLeader extends Error {
  override readonly name = "NotLeader";
  /** What the reader can do; leadership often comes and goes within seconds. */
  readonly advice: string;
  constructor(message: string, advice = "nothing was done; try again in a few seconds") {
    super(message);
    this.advice = advice;
  }
}

/** No service of that name is in the desired state. */
export class UnknownService extends Error {
  override readonly name = "UnknownService";
  readonly service: string;
  /** The desired service that was most likely meant; null when none is near. */
  readonly suggestion: string | null;
  constructor(service: string, suggestion: string | null) {
    super(`the desired state has no service "${service}"`);
    this.service = service;
    this.suggestion = suggestion;
  }
}

/**
 * The daemon could not be asked. `absent`: none is there. `silent`: it took the question and did not answer in time.
 * `denied`: it may not be asked, by file permission or for want of the token. `unclear`: the answer broke off or makes
 * no sense. `refused`: it understood and said no. `mistaken`: nothing of the kind can be asked about that service.
 */
export class ControllerError extends Error {
  override readonly name = "ControllerError";
  readonly kind: "absent" | "silent" | "denied" | "unclear" | "refused" | "mistaken";
  constructor(kind: ControllerError["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** What a daemon would listen on belongs to another process: a socket with a living daemon behind it, a port, a file. */
export class InUse extends Error {
  override readonly name = "InUse";
}

/** `heal.json`, an environment variable or the desired state is wrong, and there is no last good state to go on with. */
export class InvalidInput extends Error {
  override readonly name = "InvalidInput";
  readonly problems: readonly Problem[];
  constructor(message: string, problems: readonly Problem[]) {
    super(message);
    this.problems = problems;
  }
}
