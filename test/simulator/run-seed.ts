import { criticalServices, LOOK_BEFORE_END_MS, untold } from "./alerts-owed.ts";
import { drawFaults, scheduleFaults } from "./faults.ts";
import type { FaultEvent } from "./faults.ts";
import { watchBounds } from "./bounds.ts";
import { notYetWell } from "./liveness.ts";
import { watchLostEvent } from "./lost-event.ts";
import { watchFailover } from "./redis-failover.ts";
import type { Violation } from "./safety.ts";
import { watchTakeover } from "./takeover.ts";
import { buildWorld } from "./world.ts";
import type { SimulatedWorld } from "./world.ts";
import { drawWorld } from "./world-plan.ts";
import type { WorldPlan } from "./world-plan.ts";

export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly reached: ReadonlyMap<string, number>;
  readonly simulatedMs: number;
}

export interface SeedOptions {
  /** Instead of those that the seed draws: how the shrinker tries with fewer. */
  readonly faults?: readonly FaultEvent[];
  readonly story?: (line: string) => void;
  /** Does something to the world before it begins: how bugs are planted. */
  readonly plant?: (world: SimulatedWorld) => void;
  readonly plan?: (plan: WorldPlan) => WorldPlan;
}

/** Phase one: so long things go wrong. */
export const STORM_MS = 45 * 60_000;
/**
 * Phase two: so long nothing goes wrong, and then all must be well. The longest that healing may rightly take is a
 * quarantine (10 min) begun at the last moment of the storm, with a start and its grace after it.
 */
const CALM_MS = 17 * 60_000;
const QUIET_MS = 2 * 60_000;

/** Plays one seed from beginning to end. Must be called from outside of promise reactions. */
export function runSeed(seed: number, options: SeedOptions = {}): SeedResult {
  const plan = (options.plan ?? ((drawn) => drawn))(drawWorld(seed));
  const world = buildWorld(plan, { story: options.story ?? null });
  options.plant?.(world);
  const { scheduler, safety } = world;
  // Thousands of refused requests are part of the play; nobody reads where each came from.
  Error.stackTraceLimit = options.story === undefined ? 0 : 10;
  watchBounds(world);
  const storm = scheduleFaults(world, options.faults ?? drawFaults(seed, STORM_MS));
  let critical: ReadonlySet<string> = new Set();
  const broken = (): boolean => safety.violations.length > 0;

  try {
    scheduler.run(STORM_MS, broken);
    if (!broken()) {
      world.tell(() => "CALM");
      storm.calm();
      watchTakeover(world);
      watchFailover(world);
      watchLostEvent(world);
      scheduler.run(STORM_MS + CALM_MS - LOOK_BEFORE_END_MS, broken);
      critical = criticalServices(world);
      scheduler.run(STORM_MS + CALM_MS, broken);
    }
  } catch (error) {
    safety.violate("bug", (error as Error).stack ?? String(error));
  }
  if (!broken())
    for (const trouble of [...notYetWell(world, QUIET_MS), ...untold(world, critical)])
      safety.violate(trouble.slice(0, 2), trouble.slice(4));
  return { seed, violations: safety.violations, reached: world.reached, simulatedMs: scheduler.nowMs() };
}
