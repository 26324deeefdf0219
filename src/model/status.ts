/**
 * How a service stands. The numbers are the exit codes of `heal`, of `heal check` and of Consul script checks:
 * 0 passing, 1 warning (surplus or degraded), 2 critical (too few healthy), 3 unknown (cannot tell).
 */
export type Status = 0 | 1 | 2 | 3;

export const PASSING = 0;
export const WARNING = 1;
export const CRITICAL = 2;
export const UNKNOWN = 3;

export type StatusWord = "passing" | "warning" | "critical" | "unknown";

const words = ["passing", "warning", "critical", "unknown"] as const;

export function statusWord(status: Status): StatusWord {
  return words[status];
}

/** The worst of several; passing for none. Unknown outranks critical: a count that cannot be told may hide anything. */
export function worstStatus(statuses: Iterable<Status>): Status {
  let worst: Status = PASSING;
  for (const status of statuses) if (status > worst) worst = status;
  return worst;
}
