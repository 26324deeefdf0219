import type { FleetMemory, Memory, ServiceMemory } from "../model/memory.ts";
import { noServiceMemory } from "../model/memory.ts";
import type { Observation } from "../model/observation.ts";
import type { Plan, ServicePlan } from "../model/plan.ts";
import { PLAN_VERSION } from "../model/plan.ts";
import type { DesiredState, Service } from "../model/service.ts";
import type { Status } from "../model/status.ts";
import type { Tuning } from "../model/tuning.ts";
import { rememberFleet, rememberLostHosts, rememberStops } from "./fleet.ts";
import { guardAddFirst } from "./guards/add-first.ts";
import { guardAvailability } from "./guards/availability.ts";
import { guardBackOff } from "./guards/back-off.ts";
import { budgetOf, costOf, guardBlastRadius } from "./guards/blast-radius.ts";
import { guardCheckerSick } from "./guards/checker-sick.ts";
import { guardPause } from "./guards/pause.ts";
import { guardTrust } from "./guards/trust.ts";
import { isAwaitingLook, settleInFlight } from "./in-flight.ts";
import { intend } from "./intend.ts";
import { lookAgainAt } from "./look-again.ts";
import { lostHostsOf } from "./lost-host.ts";
import { inWaves } from "./order.ts";
import { lookAgainWithRoles, memoryWithRoles, rolesOf, standingWithRoles, withRoles } from "./redis/roles.ts";
import { rememberSeen } from "./remember.ts";
import { clearEnded } from "./rules/clear-ended.ts";
import { finishStop } from "./rules/finish-stop.ts";
import { removeSuperseded } from "./rules/remove-superseded.ts";
import { repairRegistration } from "./rules/repair-registration.ts";
import { replaceUnhealthy } from "./rules/replace-unhealthy.ts";
import { reportOnly } from "./rules/report-only.ts";
import { scaleCompose } from "./rules/scale-compose.ts";
import { scaleSwarm } from "./rules/scale-swarm.ts";
import { startMissing } from "./rules/start-missing.ts";
import { trimSurplus } from "./rules/trim-surplus.ts";
import type { Proposal, Rule, Situation } from "./situation.ts";
import { nothing } from "./situation.ts";
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
  /**
   * Memory as it must be written before the plan is carried out, in-flight entries included: of the services that were
   * planned for, and no others. What has not changed is the same object as before.
   */
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
  finishStop,
  trimSurplus,
  clearEnded,
  reportOnly,
];

/**
 * Decides what to do about every observed service: takes stock, lets each rule propose, lets the guards hold back,
 * and writes down what is about to happen. Synchronous, total and deterministic; no input is changed.
 */
export function plan({ desired, observed, memory, tuning, nowMs }: PlanInput): Planned {
  let fleet = rememberFleet(memory.fleet, observed, tuning, nowMs);
  const lostHosts = new Set<string>();
  const plans: Record<string, ServicePlan> = {};
  const memories: Record<string, ServiceMemory> = {};

  for (const name of Object.keys(observed.services).sort()) {
    const service = desired.services[name];
    if (service === undefined) continue;
    const situation = situationOf(desired, service, observed, memory, tuning, nowMs);
    const roles = rolesOf(situation);
    const { allowed, needsLook } = guard(situation, withRoles(propose(situation), roles), observed, fleet);
    for (const host of situation.stock.lostHosts) lostHosts.add(host);
    fleet = rememberStops(
      fleet,
      allowed.actions.reduce((sum, action) => sum + costOf(action), 0),
      nowMs,
    );

    const acting = intend(situation.memory, allowed.actions, situation.stock, tuning, nowMs);
    const intended = memoryWithRoles(acting, roles, allowed.actions, nowMs);
    const standing = standingWithRoles(
      standingOf(service, situation.observed, situation.stock, situation.trust, intended, nowMs),
      roles,
    );
    const after = withStatus(intended, standing.status, nowMs);
    memories[name] = after;
    plans[name] = {
      service: name,
      waves: inWaves(allowed.actions, provenBy(situation)),
      holds: allowed.holds,
      standing,
      needsLook,
      lookAgainAtMs: lookAgainWithRoles(lookAgainAt({ ...situation, memory: after }, allowed.holds), roles),
    };
  }
  return {
    plan: { version: PLAN_VERSION, services: plans },
    memory: { fleet: rememberLostHosts(fleet, observed.hosts, lostHosts, nowMs), services: memories },
  };
}

/** What is known about one service, put together: what is in flight, what is there, how far that is to be trusted. */
function situationOf(
  { environment }: DesiredState,
  service: Service,
  { services, hosts }: Observation,
  memory: Memory,
  tuning: Tuning,
  nowMs: number,
): Situation {
  const observed = services[service.name];
  if (observed === undefined) throw new Error(`${service.name} was not observed`);
  const before = memory.services[service.name] ?? noServiceMemory;
  const lostHosts = lostHostsOf(service, observed, hosts, nowMs);
  const settled = settleInFlight(before, observed, lostHosts, nowMs);
  const stock = takeStock({ service, observed, lostHosts, memory: settled, tuning, nowMs });
  const trust = judgeTrust(service, observed, hosts, stock, tuning);
  const known = rememberSeen(settled, service, observed, stock, trust, tuning, nowMs);
  return { environment, service, observed, hosts, memory: known, trust, stock, tuning, nowMs };
}

/** How many are healthy by the specification that is asked for now: it can run, so that as many more may begin at once. */
function provenBy({ service, stock }: Situation): number {
  return stock.counted.filter(
    ({ condition, instance }) => condition === "healthy" && instance.container.specHash === service.specHash,
  ).length;
}

function propose(situation: Situation): Proposal {
  const proposals = rules.map((rule) => rule(situation)).filter((proposal) => proposal !== nothing);
  if (proposals.length === 0) return nothing;
  return {
    actions: proposals.flatMap(({ actions }) => actions),
    holds: proposals.flatMap(({ holds }) => holds),
  };
}

/** Each guard may turn actions into holds. The budget comes last, so that nothing held by another guard spends it. */
function guard(
  situation: Situation,
  proposal: Proposal,
  observed: Observation,
  fleet: FleetMemory,
): { readonly allowed: Proposal; readonly needsLook: ServicePlan["needsLook"] } {
  const { tuning, nowMs } = situation;
  const wanted = guardBackOff(situation, guardAddFirst(guardPause(situation, proposal)));
  const harmless = guardAvailability(situation, guardCheckerSick(wanted, observed.fleet, fleet));
  const trusted = guardTrust(situation, harmless);
  const allowed = guardBlastRadius(trusted.proposal, budgetOf(fleet, observed.fleet, tuning, nowMs));
  const awaitsLook = isAwaitingLook(situation.memory, situation.observed, nowMs) ? "consistent" : null;
  return { allowed, needsLook: trusted.needsLook ?? awaitsLook };
}

function withStatus(memory: ServiceMemory, status: Status, nowMs: number): ServiceMemory {
  return memory.status === status ? memory : { ...memory, status, statusSinceMs: nowMs };
}
