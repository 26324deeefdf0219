import { redisBugSigns } from "./bugs-redis.ts";
import type { BugName } from "./bugs.ts";
import type { WorldPlan } from "./world-plan.ts";

/** By what a planted bug is recognised. */
export interface BugSigns {
  /** The promises that it can break. Another one that breaks is no proof that it was found. */
  readonly breaks: readonly string[];
  /** Faults under which it can show: seeds that have many of them are played first. */
  readonly shows: readonly string[];
  /** Faults that must be there as well, for there to be anything that can go wrong. */
  readonly besides?: readonly string[];
  /** Faults that must come while one of `shows` lasts, or right after it: instead of all those, such moments are counted. */
  readonly meanwhile?: readonly string[];
  /** Worlds in which it can show; any unless told. */
  readonly fits?: (plan: WorldPlan) => boolean;
}

const ends = ["container crashes", "container removed by hand", "container stopped by hand"];
const crashes = ["container crashes", "image crashes", "image crashes late", "image never ready"];
const loops = ["image crashes", "image never ready", "image crashes late"];
const elections = [
  "controller suspended",
  "controller suspended after a call",
  "session destroyed by hand",
  "sessions expire late",
  "host cannot reach Consul",
];
const lostAnswers = ["answers lost", "calls late", "controller killed after a call"];
const lyingConsul = ["Consul answers with nothing", "Consul answers with an old picture", "Consul has no leader"];
const lostRegistrations = ["catalog entry deleted behind its agent", "agent crashes and forgets"];
const suspensions = ["controller suspended after a call", "controller suspended"];
const restarts = ["controller killed", "controller killed after a call", "controller stopped gracefully"];
const sickness = ["container falls ill", "image slow to start", "image never ready"];
const silence = ["controller cannot reach a host", "engine hangs", "host cut off", "engine crashes"];
const strays = ["container started by hand", "host cut off", "count changed"];

const doubled = ["S5", "S7", "S8"];
const unled = ["S11", "S13"];
const taken = ["S6", "trim"];

export const bugSigns: Readonly<Record<BugName, BugSigns>> = {
  "forgets what is in flight": {
    breaks: [...doubled, "S6", "S20", "L1"],
    shows: ["events lost", "events delayed", ...crashes],
  },
  "forgets back-offs": { breaks: ["S20"], shows: crashes },
  // Of a slot of which nothing is seen either, all is forgotten, and so its back-off.
  "forgets generations": {
    breaks: [...doubled, ...taken, "S20", "L1", "L2"],
    shows: ["image missing", "disk full"],
    meanwhile: ["container removed by hand", "count changed"],
  },
  "forgets where its instances were": { breaks: [...doubled, "S20"], shows: silence },
  "begins with an empty Memory after every restart": {
    breaks: [...doubled, "S20", "L1"],
    shows: loops,
    meanwhile: restarts,
  },
  "acts although Memory was not written": {
    breaks: [...doubled, ...unled, "S20", "L1"],
    shows: ["Consul takes no keys while an image crashes"],
  },
  "never writes Memory": { breaks: [...doubled, "S20", "L1"], shows: restarts },

  "a fence that always says yes": { breaks: unled, shows: elections },
  "a fence that falls only when somebody says so": { breaks: unled, shows: suspensions, besides: ends },
  "a lease longer than the session": { breaks: unled, shows: suspensions, besides: ends },
  "no lock-delay": { breaks: [...unled, "S12"], shows: elections },
  "the wall clock measures time": {
    breaks: [...unled, ...doubled, "S20", "L1", "L3"],
    shows: ["controller's wall clock jumps"],
    besides: loops,
  },

  "an engine that does not answer runs nothing": { breaks: doubled, shows: silence },
  "a Consul that does not answer lists nothing": {
    breaks: ["S1", ...doubled, ...taken, "L1"],
    shows: ["Consul does not tell of services"],
    besides: [...ends, ...crashes],
  },
  "filtered answers are whole ones": {
    breaks: ["S1", ...doubled, ...taken, "L1"],
    shows: ["Consul denies"],
    besides: [...ends, ...crashes],
  },
  "skips the consistent re-read": { breaks: [...doubled, ...taken, "S24"], shows: [...lyingConsul, "events lost"] },
  "one source is enough to call a host lost": { breaks: doubled, shows: silence },
  "never looks without a hint": {
    breaks: ["L1", "L2"],
    shows: ["events lost"],
    fits: ({ services }) => services.some(({ consul, container }) => consul === null && container !== null),
  },
  "never hears of Consul's changes": { breaks: ["L1", "L2"], shows: lostRegistrations },
  "events alone tell what an engine runs": { breaks: [...doubled, "L1", "L2"], shows: ["events lost"] },

  "a lost host is replaced at once": { breaks: doubled, shows: silence },
  "an unhealthy instance is replaced at once": { breaks: [...doubled, ...taken], shows: sickness },
  "one more than asked for": { breaks: ["S5"], shows: crashes },
  "surplus is trimmed unasked": { breaks: taken, shows: strays },
  "waits for no back-off": { breaks: ["S20"], shows: crashes },
  "desired state is read once": { breaks: ["S5", "L1", ...taken], shows: ["count changed", "service withdrawn"] },
  "broken files ask for nothing": {
    breaks: ["S5", "L1", ...taken],
    shows: ["files broken"],
    fits: ({ services }) => services.some(({ surplus }) => surplus.action === "trim"),
  },

  "a start that collides takes away what is in its place": {
    breaks: ["S10", "grace"],
    shows: ["name taken by somebody else"],
    besides: [...ends, ...crashes],
  },
  "an unclear start is repeated at once": {
    breaks: [...doubled, "S10", "S20"],
    shows: lostAnswers,
    besides: [...ends, ...crashes],
  },
  "policy is not asked": { breaks: ["S28"], shows: ["privileged service asked for"] },
  "registers as passing what has only started": { breaks: [...taken, "L1", "unready"], shows: sickness },
  "takes foreign registrations for its own": { breaks: ["S24"], shows: ["somebody else registers the same name"] },
  "takes foreign containers for its own": {
    breaks: ["S10", "S5", "trim", "L1"],
    shows: [...ends, ...crashes],
    fits: ({ compose, services }) =>
      compose.length > 0 && services.some(({ name, surplus }) => name === "s1" && surplus.action === "trim"),
  },
  "one hanging service holds up all": {
    breaks: ["L1", "L2", "L6"],
    shows: ["disk full", "calls refused", "image missing"],
  },
  "stops another one than it meant": { breaks: [...taken, "grace"], shows: [...strays, ...sickness] },
  "never takes a registration back": { breaks: ["L2"], shows: ["container removed by hand", "host loses power"] },
  "believes that what it stops has stopped": { breaks: ["grace", "L1", "L2", "S27"], shows: [...strays, ...sickness] },

  ...redisBugSigns,
};
