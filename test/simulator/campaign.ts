import { faultKinds } from "./faults.ts";
import { runSeed } from "./run-seed.ts";
import type { SeedOptions } from "./run-seed.ts";
import type { Violation } from "./safety.ts";

/** What a run of many seeds has come to; adds up over processes. */
export interface CampaignResult {
  seeds: number;
  simulatedMs: number;
  /** The first violation of each seed that had one. */
  readonly failures: { readonly seed: number; readonly violation: Violation }[];
  readonly reached: Record<string, number>;
}

/** States that a campaign is worthless without, beside every kind of fault. */
const interesting = [
  "a leader is elected",
  "a leader is killed in the calm",
  "a leader is stopped gracefully in the calm",
  "a master hangs in the calm",
  "an event is lost in the calm",
  "an outcome is unclear",
  "a request is slow",
  "a request is late",
  "a request is lost",
  "an answer is lost",
  "a connection is refused",
  "a controller dies before a call",
  "a controller dies after a call",
  "a controller is suspended after a call",
  "log action.done",
  "log action.failed",
  "log action.skipped",
  "log consul.trouble",
  "log consul.recovered",
  "log leadership.changed",
  "log memory.refused",
  "log desired-state.refused",
  "rule start-missing: action.done",
  "rule replace-unhealthy: action.done",
  "rule remove-superseded: action.done",
  "rule register-unlisted: action.done",
  "rule deregister-ghost: action.done",
  "rule trim-surplus: action.done",
  "rule clear-ended: action.done",
  "held by back-off",
  "held by quarantine",
  "held by blind",
  "held by suspect",
  "held by checker-sick",
  "held by blast-radius",
  "held by surplus-is-alerted",
  "held by unhealthy-after",
  "held by placement",
  "alert told",
  "a replica is promoted",
  "a switchover is done",
  "an agent brings a master's tag back",
  "write ok",
  "write readonly",
  "write no-replicas",
  "rule redis-failover: action.done",
  "rule redis-replicas: action.done",
  "rule redis-tags: action.done",
  "held by master-silent",
  "held by none-eligible",
  "held by two-masters",
] as const;

/** Everything that a campaign must reach at least once to count. */
export const mustReach: readonly string[] = [...Object.keys(faultKinds).map((kind) => `fault ${kind}`), ...interesting];

export function emptyResult(): CampaignResult {
  return { seeds: 0, simulatedMs: 0, failures: [], reached: {} };
}

/** Plays one seed and adds what came of it. Must be called from outside of promise reactions. */
export function addSeed(result: CampaignResult, seed: number, options: SeedOptions = {}): void {
  const { violations, reached, simulatedMs } = runSeed(seed, options);
  result.seeds += 1;
  result.simulatedMs += simulatedMs;
  const violation = violations[0];
  if (violation !== undefined) result.failures.push({ seed, violation });
  for (const [name, times] of reached) result.reached[name] = (result.reached[name] ?? 0) + times;
}

export function addResult(sum: CampaignResult, part: CampaignResult): void {
  sum.seeds += part.seeds;
  sum.simulatedMs += part.simulatedMs;
  sum.failures.push(...part.failures);
  for (const [name, times] of Object.entries(part.reached)) sum.reached[name] = (sum.reached[name] ?? 0) + times;
}

export function neverReached({ reached }: CampaignResult): readonly string[] {
  return mustReach.filter((name) => (reached[name] ?? 0) === 0);
}
