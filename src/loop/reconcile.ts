import type { Apply } from "../act/apply.ts";
import { Fenced } from "../act/hands.ts";
import type { ActionResult } from "../model/action.ts";
import type { Memory } from "../model/memory.ts";
import { noServiceMemory } from "../model/memory.ts";
import type { Observation } from "../model/observation.ts";
import type { Plan, ServicePlan } from "../model/plan.ts";
import type { DesiredState } from "../model/service.ts";
import type { Tuning } from "../model/tuning.ts";
import type { Eyes } from "../observe/observe.ts";
import { observe } from "../observe/observe.ts";
import { learn } from "../plan/learn.ts";
import { plan } from "../plan/plan.ts";
import type { Clock } from "../ports/clock.ts";
import type { Fence } from "./fence.ts";
import type { MemoryUpdate } from "./memory-content.ts";
import type { News } from "./news.ts";
import type { Turn } from "./turn.ts";

/** Everything one pass works with. */
export interface World {
  readonly desired: () => DesiredState;
  readonly eyes: Eyes;
  readonly memory: Remembering;
  /** The right to act for a pass that begins now. */
  readonly fence: () => Fence;
  readonly apply: Apply;
  /** Plans that change what is remembered of the fleet (budget, freeze) are made and written one after the other. */
  readonly fleetTurn: Turn;
  readonly news: News;
  readonly report: Reporting;
  readonly tuning: Tuning;
  readonly clock: Clock;
}

/** Memory as a pass sees it: read at once, written within the lock. */
export interface Remembering {
  view(): Memory;
  /**
   * Resolves to null once it is written under the fence's lease, or to the reason why it was not; then nothing may be
   * done. Never rejects.
   */
  commit(fence: Fence, update: MemoryUpdate): Promise<string | null>;
  /** Whether there would be nothing to write. */
  holds(update: MemoryUpdate): boolean;
}

/** What a pass found and decided, before anything is done about it. */
export interface Decision {
  readonly desired: DesiredState;
  readonly observed: Observation;
  readonly plan: Plan;
  readonly memory: Memory;
}

/** A pass that has ended. */
export interface Pass extends Decision {
  readonly results: readonly ActionResult[];
  /** Services of which something was found that Memory did not take: to be found once more. */
  readonly unwritten: readonly string[];
}

export interface PassOptions {
  /** Told each service as soon as nothing more is done about it, so that one slow action holds up no other service. */
  readonly settled?: (service: string) => void;
  /** Told when it is known what is to be done, before any of it is. */
  readonly decided?: () => void;
  /** Throws to prevent a plan from being carried out. */
  readonly agreed?: (plan: Plan) => void;
  /** `news`: services that stand as when they were last found well are not planned, and not in the decision. */
  readonly about?: About;
}

type About = "all" | "news";

/** Where passes are told: log, status, history, alerts. Never rejects and never holds a pass up. */
export interface Reporting {
  decided(decision: Decision): void;
  acted(service: ServicePlan, results: readonly ActionResult[]): void;
}

const nothing = (): void => undefined;

/** A suspect picture needs this many closer looks at the most before the pass leaves it for the next one. */
const LOOKS_MAX = 4;

/**
 * The program in one function: load what is desired, observe, plan, act, report. Rejects only with what `agreed`
 * throws; whatever the world does comes back as a result.
 */
export async function reconcile(
  world: World,
  names: readonly string[],
  { settled = nothing, decided = nothing, agreed = nothing, about = "all" }: PassOptions = {},
): Promise<Pass> {
  const fence = world.fence();
  const { decision, written, changed } = await writeDown(
    world,
    fence,
    await think(world, names, "mirror", about),
    agreed,
  );
  decided();
  for (const name of names) if (decision.plan.services[name] === undefined) void written.then(() => settled(name));
  const results = await Promise.all(
    Object.values(decision.plan.services).map(async (service) => {
      const outcome = await act(world, fence, decision.desired, service, written);
      world.report.acted(service, outcome);
      settled(service.service);
      return outcome;
    }),
  );
  const refused = await written;
  return { ...decision, results: results.flat(), unwritten: refused === null ? [] : changed };
}

/**
 * A pass that needs no right to act, because it finds nothing to do and nothing to write down; null where it does find
 * something: then nothing has been done, and it is for `reconcile` to look anew, behind a fence. Rejects with what
 * `agreed` throws.
 */
export async function idlePass(
  world: World,
  names: readonly string[],
  agreed: (plan: Plan) => void,
): Promise<Pass | null> {
  const { basis, ...decision } = await think(world, names, "mirror", "all");
  const isIdle = Object.values(decision.plan.services).every(({ waves }) => waves.length === 0);
  if (!isIdle || !world.memory.holds(changesOf(decision, basis))) return null;
  world.report.decided(decision);
  agreed(decision.plan);
  return { ...decision, results: [], unwritten: [] };
}

type Depth = "mirror" | "consistent";

/** Observes and plans, with as many closer looks as the plan asks for. Changes nothing anywhere. */
export async function decide(
  world: World,
  names: readonly string[],
  depth: Depth = "mirror",
  about: About = "all",
): Promise<Decision> {
  const { basis, ...thought } = await think(world, names, depth, about);
  const decision = { ...thought, memory: withoutIntentions(thought, basis) };
  world.report.decided(decision);
  return decision;
}

/** What the plan would write down before it acts has not been sent, and nobody is to be told that it is on its way. */
function withoutIntentions({ plan, memory }: Decision, basis: Memory): Memory {
  const services = Object.entries(memory.services).map(([name, after]) => {
    if (plan.services[name]?.waves.length === 0) return [name, after] as const;
    const { inFlight, slots, backOff } = basis.services[name] ?? noServiceMemory;
    return [name, { ...after, inFlight, slots, backOff }] as const;
  });
  return { ...memory, services: Object.fromEntries(services) };
}

/** A decision with the Memory it was made from. */
interface Thought extends Decision {
  readonly basis: Memory;
}

async function think(world: World, names: readonly string[], depth: Depth, about: About): Promise<Thought> {
  const desired = world.desired();
  const look = (services: readonly string[], closeness: Depth): Promise<Observation> =>
    observe(world.eyes, desired, services, world.memory.view(), closeness);
  const seen = await look(names, depth);
  let thought = planFrom(world, desired, about === "news" ? world.news.in(seen, world.memory.view()) : seen);
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const unclear = Object.values(thought.plan.services).filter(({ needsLook }) => needsLook !== null);
    if (unclear.length === 0) break;
    const closer = await look(
      unclear.map(({ service }) => service),
      "consistent",
    );
    const services = { ...thought.observed.services, ...closer.services };
    thought = planFrom(world, desired, { ...closer, services });
  }
  return thought;
}

function planFrom(world: World, desired: DesiredState, observed: Observation): Thought {
  const basis = world.memory.view();
  const planned = plan({ desired, observed, memory: basis, tuning: world.tuning, nowMs: world.clock.steadyMs() });
  world.news.planned({ observed, ...planned });
  return { desired, observed, basis, ...planned };
}

interface WritingDown {
  readonly decision: Decision;
  readonly written: Promise<string | null>;
  /** Services of which there is something to write. */
  readonly changed: readonly string[];
}

/**
 * Has what is about to happen written down, as it stands at this moment: plans of other services may have been written
 * while this one was thought of. `written` resolves to null, or to the reason why nothing may be done.
 */
async function writeDown(
  world: World,
  fence: Fence,
  thought: Thought,
  agreed: (plan: Plan) => void,
  inTurn = false,
): Promise<WritingDown> {
  const isCurrent = thought.basis === world.memory.view();
  const current = isCurrent ? thought : planFrom(world, thought.desired, thought.observed);
  const { basis, ...decision } = current;
  if (!inTurn && decision.memory.fleet !== basis.fleet) {
    return world.fleetTurn.take(() => writeDown(world, fence, current, agreed, true));
  }
  world.report.decided(decision);
  agreed(decision.plan);
  const changes = changesOf(decision, basis);
  const written = world.memory.commit(fence, changes);
  if (inTurn) await written;
  return { decision, written, changed: Object.keys(changes.services ?? {}) };
}

function changesOf({ memory }: Decision, basis: Memory): MemoryUpdate {
  const services = Object.fromEntries(
    Object.entries(memory.services).filter(([name, after]) => after !== basis.services[name]),
  );
  return memory.fleet === basis.fleet ? { services } : { services, fleet: memory.fleet };
}

async function act(
  world: World,
  fence: Fence,
  desired: DesiredState,
  planned: ServicePlan,
  written: Promise<string | null>,
): Promise<readonly ActionResult[]> {
  const service = desired.services[planned.service];
  if (service === undefined || planned.waves.length === 0) return written.then(() => []);
  const writtenDown = async (): Promise<void> => {
    const refused = await written;
    if (refused !== null) throw new Fenced(refused);
  };
  const results = await world.apply({ fence: () => fence.assertMayAct(), writtenDown }, service, planned);
  // What came of it belongs to what was written down before; where that was not to be, nothing has had an effect.
  if ((await written) !== null) return results;
  const before = world.memory.view().services[planned.service] ?? noServiceMemory;
  const after = learn(before, results, world.tuning, world.clock.steadyMs());
  if (after !== before) await world.memory.commit(fence, { services: { [planned.service]: after } });
  return results;
}
