import type { FleetMemory, Memory, ServiceMemory } from "../model/memory.ts";
import { noServiceMemory } from "../model/memory.ts";
import type { Observation } from "../model/observation.ts";
import type { Plan, ServicePlan } from "../model/plan.ts";
import { PLAN_VERSION } from "../model/plan.ts";
import type { DesiredState, Service } from "../model/service.ts";
import type { Tuning } from "../model/tuning.ts";
import { guardAddFirst } from "./guards/add-first.ts";
import { countsAsStop, guardBlastRadius, stopsLeft } from "./guards/blast-radius.ts";
import { guardCheckerSick, isCheckerSick } from "./guards/checker-sick.ts";
import { guardPause } from "./guards/pause.ts";
import { guardTrust } from "./guards/trust.ts";
import { intend } from "./intend.ts";
import { lookAgainAt } from "./look-again.ts";
import { inWaves } from "./order.ts";
import { rememberSeen } from "./remember.ts";
import { clearEnded } from "./rules/clear-ended.ts";
import { removeSuperseded } from "./rules/remove-superseded.ts";
import { repairRegistration } from "./rules/repair-registration.ts";
import { replaceUnhealthy } from "./rules/replace-unhealthy.ts";
import { reportOnly } from "./rules/report-only.ts";
import { scaleCompose } from "./rules/scale-compose.ts";
import { scaleSwarm } from "./rules/scale-swarm.ts";
import { startMissing } from "./rules/start-missing.ts";
import { trimSurplus } from "./rules/trim-surplus.ts";
import type { Proposal, Rule, Situation } from "./situation.ts";
import { standingOf } from "./standing.ts";
import { takeStock } from "./stock.ts";
import { judgeTrust } from "./trust.ts";

export interface PlanInput {
  readonly desired: DesiredState;
  /** Of the services to plan for; those of `desired` that it does not name are left alone. */
  readonly observed: Observation;
  readonly memory: Memory;
  readonly tuning: Tuning;
  /** On the steady clock. */
  readonly nowMs: number;
}

export interface Planned {
  readonly plan: Plan;
  /** Memory as it must be written before the plan is carried out: in-flight entries included. */
  readonly memory: Memory;
}

/** What `heal` decides by, in the order in which it speaks. */
const rules: readonly Rule[] = [
  startMissing,
  scaleSwarm,
  scaleCompose,
  replaceUnhealthy,
  repairRegistration,
  removeSuperseded,
  trimSurplus,
  clearEnded,
  reportOnly,
];

/**
 * Decides what to do about every observed service: takes stock, lets each rule propose, lets the guards hold back,
 * and writes down what is about to happen. Synchronous, total and deterministic; no input is changed.
 */
export function plan({ desired, observed, memory, tuning, nowMs }: PlanInput): Planned {
  const fleet = freezeOrThaw(memory.fleet, observed, tuning, nowMs);
  let stopsAllowed = stopsLeft(fleet, observed.fleet, tuning, nowMs);
  let stops = 0;
  const plans: Record<string, ServicePlan> = {};
  const memories: Record<string, ServiceMemory> = {};

  for (const name of Object.keys(observed.services).sort()) {
    const service = desired.services[name];
    const seen = observed.services[name];
    if (service === undefined || seen === undefined) continue;
    const situation = situationOf(desired, service, observed, memory, fleet, tuning, nowMs);
    const proposal = rules.reduce<Proposal>((sum, rule) => merge(sum, rule(situation)), { actions: [], holds: [] });
    const guarded = guardTrust(situation, guardAddFirst(guardPause(situation, proposal)));
    const thawed = guardCheckerSick(guarded.proposal, observed.fleet, fleet);
    const allowed = guardBlastRadius(thawed, stopsAllowed, tuning);
    const spent = allowed.actions.filter(countsAsStop).length;
    stopsAllowed -= spent;
    stops += spent;

    const after = intend(situation.memory, allowed.actions, situation.stock, tuning, nowMs);
    const standing = standingOf(service, seen, situation.stock, situation.trust, situation.memory, nowMs);
    memories[name] = withStatus(after, standing.status, nowMs);
    plans[name] = {
      service: name,
      waves: inWaves(allowed.actions),
      holds: allowed.holds,
      standing,
      needsLook: guarded.needsLook ?? lookForExpired(situation),
      lookAgainAtMs: lookAgainAt({ ...situation, memory: after }, allowed.holds),
    };
  }
  return {
    plan: { version: PLAN_VERSION, services: plans },
    memory: {
      fleet: stops === 0 ? fleet : { ...fleet, stopsAtMs: [...fleet.stopsAtMs, ...Array<number>(stops).fill(nowMs)] },
      services: { ...memory.services, ...memories },
    },
  };
}

function situationOf(
  desired: DesiredState,
  service: Service,
  observed: Observation,
  memory: Memory,
  fleetMemory: FleetMemory,
  tuning: Tuning,
  nowMs: number,
): Situation {
  const seen = observed.services[service.name];
  if (seen === undefined) throw new Error(`${service.name} was not observed`);
  const before = memory.services[service.name] ?? noServiceMemory;
  const trust = judgeTrust(service, seen, observed.hosts, tuning);
  // Counted twice: once to learn what has taken effect, and once with that known.
  const first = takeStock(service, seen, observed.hosts, before, tuning, nowMs);
  const known = rememberSeen(before, service, seen, first, trust, tuning, nowMs);
  const stock = takeStock(service, seen, observed.hosts, known, tuning, nowMs);
  return {
    environment: desired.environment,
    service,
    observed: seen,
    hosts: observed.hosts,
    memory: known,
    fleetMemory,
    trust,
    stock,
    tuning,
    nowMs,
  };
}

/** An action whose time is over and whose effect was not seen: only a fresh look says what became of it. */
function lookForExpired({ memory, observed, nowMs }: Situation): "consistent" | null {
  const expired = memory.inFlight.some((entry) => entry.kind === "start" && nowMs >= entry.expiresAtMs);
  return expired && !observed.freshRuntime ? "consistent" : null;
}

function freezeOrThaw(memory: FleetMemory, { fleet }: Observation, tuning: Tuning, nowMs: number): FleetMemory {
  const sick = isCheckerSick(fleet, tuning);
  const stopsAtMs = memory.stopsAtMs.filter((atMs) => nowMs - atMs < tuning.blastRadius.windowMs);
  const frozenSinceMs = sick ? (memory.frozenSinceMs ?? nowMs) : null;
  if (frozenSinceMs === memory.frozenSinceMs && stopsAtMs.length === memory.stopsAtMs.length) return memory;
  return { ...memory, frozenSinceMs, stopsAtMs };
}

function withStatus(memory: ServiceMemory, status: ServicePlan["standing"]["status"], nowMs: number): ServiceMemory {
  return memory.status === status ? memory : { ...memory, status, statusSinceMs: nowMs };
}

function merge(a: Proposal, b: Proposal): Proposal {
  if (b.actions.length === 0 && b.holds.length === 0) return a;
  return { actions: [...a.actions, ...b.actions], holds: [...a.holds, ...b.holds] };
}
