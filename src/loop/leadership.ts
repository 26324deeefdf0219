import type { Clock } from "../ports/clock.ts";
import type { Coordination, LeaderInfo, Lease, Session } from "../ports/coordination.ts";
import type { Random } from "../ports/random.ts";
import { RegistryError } from "../ports/registry.ts";
import { beginTenure, instant, noFence, type Fence, type Tenure } from "./fence.ts";
import { describeStanding, settled, standingBoard, type Board, type LeadershipStanding } from "./standing.ts";
import { leaseMs, renewEveryMs, termsProblem, type Instant, type LeaseTerms } from "./lease.ts";

/**
 * Which of several daemons acts. Every one of them keeps a session with a heartbeat, so that it can take over at once.
 *
 * - `seeking`: Consul cannot be asked who leads, or has not answered yet. Tries again, backing off to two seconds.
 * - `follower`: somebody else holds the key. Waits on it with a blocking read.
 * - `candidate`: nobody holds it. Asks for it every 100 ms or so (a second with the longest lock-delay), since the
 *   lock-delay of a dead holder ends unannounced.
 * - `leader`: holds it. Renews three times within a lease, and may act as long as the lease is valid.
 * - `suspended`: may still hold it, but has not been able to renew in time, or was asleep. Does not act. The next renewal
 *   that shows the key under the same lease makes it `leader` again, with a new fence: nothing begun before goes on.
 * - `stopped`: has given the key back, if it had it.
 *
 * A renewal that shows the key under another lease, or an agent that does not know the check any more, ends the
 * session: fences fall at once, and it begins anew as `seeking` with another session. So one session serves for one lease.
 */
export interface Leadership {
  /** The fence for a pass that begins now; one that allows nothing while somebody else leads. */
  current(): Fence;
  standing(): LeadershipStanding;
  /** Tells of every change of `standing`, and returns how to stop telling. */
  onChange(callback: (standing: LeadershipStanding) => void): () => void;
  /**
   * Resolves once the standing is one of `kinds`, by default once it is clear who acts (`leader` or `follower`) or it
   * was stopped; or with whatever holds after `withinMs`. So a one-shot command decides between acting and handing
   * over; and if nobody takes it over, waits with `["leader"]` until a dead holder's time is up.
   */
  settled(withinMs: number, kinds?: readonly LeadershipStanding["kind"][]): Promise<LeadershipStanding>;
  /** Nothing is allowed from the moment of the call; resolves when the key is given back, or a few seconds later. */
  stop(): Promise<void>;
}

export interface LeadershipDeps {
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly random: Random;
}

export interface LeadershipOptions {
  readonly holder: LeaderInfo;
  readonly terms: LeaseTerms;
}

const leaderWaitMs = 10_000;
/** At most so often is the leader key read, whatever the answers are. */
const readsApartMs = 20;
/** Small against what is waited for: a long lock-delay is not worth ten questions a second. */
const acquireApartMsMin = 100;
const acquiresPerLockDelay = 60;
const backOff = { initialMs: 100, maxMs: 2_000 };
const closeWithinMs = 3_000;

/** Takes part in the election until stopped; a daemon and a one-shot command alike. Throws when the terms are unsafe. */
export function startLeadership(deps: LeadershipDeps, options: LeadershipOptions): Leadership {
  const problem = termsProblem(options.terms);
  if (problem !== null) throw new Error(problem);
  const stopping = new AbortController();
  const board = standingBoard(deps.clock);
  const candidacy: Candidacy = { ...deps, ...options, board, tenure: null };
  const done = run(candidacy, stopping.signal);

  return {
    current: () => candidacy.tenure?.fence() ?? noFence(describeStanding(board.standing())),
    standing: board.standing,
    onChange: board.onChange,
    settled: (withinMs, kinds) => settled(deps.clock, board, withinMs, kinds),
    async stop() {
      candidacy.tenure?.end("heal is stopping");
      stopping.abort();
      await done;
    },
  };
}

interface Candidacy extends LeadershipDeps, LeadershipOptions {
  readonly board: Board;
  /** The present one, so that fences can be had from outside. */
  tenure: Tenure | null;
}

async function run(candidacy: Candidacy, stop: AbortSignal): Promise<void> {
  const { coordination, clock, random, board, holder, terms } = candidacy;
  for (let failures = 0; !stop.aborted; failures += 1) {
    try {
      const { checkTtlMs, lockDelayMs } = terms;
      const opening = coordination.openSession({ holder, checkTtlMs, lockDelayMs });
      const session = await unlessAborted(opening, stop);
      if (session === undefined) {
        // Nobody waits for it any more; what cannot be closed ends with its short check.
        opening.then((late) => late.close()).catch(() => undefined);
        break;
      }
      failures = 0;
      await serve(candidacy, session, stop);
    } catch (error) {
      board.post({ kind: "seeking", reason: (error as Error).message });
    }
    if (!stop.aborted) await clock.sleep(pauseMs(failures, random), stop);
  }
  board.post({ kind: "stopped" });
}

/** The life of one session: campaign, lead, and give back whatever is held. */
async function serve(candidacy: Candidacy, session: Session, stop: AbortSignal): Promise<void> {
  const { clock, terms, board } = candidacy;
  const over = new AbortController();
  const end = (): void => over.abort();
  stop.addEventListener("abort", end, { once: true });
  if (stop.aborted) end();
  const beating = keepAlive(candidacy, session, over);
  try {
    const won = await campaign(candidacy, session, over.signal);
    // What was won after it was told to give up is given back below.
    if (won === null || over.signal.aborted) return;
    const { lease, sentAt } = won;
    candidacy.tenure = beginTenure(clock, terms, lease, sentAt, {
      onLapse: (reason) => board.post({ kind: "suspended", lease, reason }),
      onResume: () => board.post({ kind: "leader", lease }),
    });
    if (candidacy.tenure.fence().mayAct()) board.post({ kind: "leader", lease });
    await unlessAborted(new Promise<never>(() => undefined), over.signal);
  } finally {
    end();
    stop.removeEventListener("abort", end);
    const led = candidacy.tenure !== null;
    candidacy.tenure?.end("another process may lead by now");
    candidacy.tenure = null;
    if (led && !stop.aborted) board.post({ kind: "seeking", reason: "leadership was lost" });
    await beating;
    // A session that cannot be closed ends with its short check.
    await within(clock, session.close(), closeWithinMs).catch(() => undefined);
  }
}

/** Asks for the key whenever nobody holds it. null when told to give up; rejects when the session is of no use any more. */
async function campaign(
  { coordination, clock, random, board, terms }: Candidacy,
  session: Session,
  signal: AbortSignal,
): Promise<{ readonly lease: Lease; readonly sentAt: Instant } | null> {
  let index = 0;
  for (let failures = 0; !signal.aborted;) {
    try {
      const view = await coordination.readLeader(index === 0 ? { signal } : { index, waitMs: leaderWaitMs, signal });
      index = view.index < index ? 0 : view.index;
      failures = 0;
      // A key that is ours already means that the answer to an earlier try was lost.
      if (view.holder !== null && view.lease?.sessionId !== session.id) {
        board.post({ kind: "follower", holder: view.holder });
        await clock.sleep(readsApartMs, signal);
        continue;
      }
      board.post({ kind: "candidate" });
      const sentAt = instant(clock);
      const lease = await within(clock, session.acquire(), closeWithinMs);
      if (lease !== null) return { lease, sentAt };
      index = 0;
      await clock.sleep(acquireApartMs(terms) * (0.5 + random.next()), signal);
    } catch (error) {
      if (signal.aborted) return null;
      if (error instanceof RegistryError && error.kind === "refused") throw error;
      board.post({ kind: "seeking", reason: (error as Error).message });
      index = 0;
      failures += 1;
      await clock.sleep(pauseMs(failures, random), signal);
    }
  }
  return null;
}

/** The heartbeat, for as long as the session is in use; ends its use when it has become useless. Never rejects. */
async function keepAlive(candidacy: Candidacy, session: Session, over: AbortController): Promise<void> {
  const { coordination, clock, terms } = candidacy;
  const everyMs = renewEveryMs(terms);
  while (!over.signal.aborted) {
    const sentAt = instant(clock);
    const { tenure } = candidacy;
    try {
      const [, view] = await within(
        clock,
        Promise.all([session.renew(), tenure === null ? null : coordination.readLeader({})]),
        leaseMs(terms),
      );
      if (view !== null && !isSame(view.lease, tenure?.lease ?? null)) over.abort();
      else if (view !== null) tenure?.renewed(sentAt);
    } catch (error) {
      if (error instanceof RegistryError && error.kind === "refused") over.abort();
      // Anything else may pass; if it does not, the lease lapses by itself.
    }
    await clock.sleep(Math.max(0, everyMs - (clock.steadyMs() - sentAt.steadyMs)), over.signal);
  }
}

function acquireApartMs({ lockDelayMs }: LeaseTerms): number {
  return Math.max(acquireApartMsMin, lockDelayMs / acquiresPerLockDelay);
}

function isSame(one: Lease | null, other: Lease | null): boolean {
  return one !== null && other !== null && one.sessionId === other.sessionId && one.lockIndex === other.lockIndex;
}

function pauseMs(failures: number, random: Random): number {
  const ms = Math.min(backOff.maxMs, backOff.initialMs * 2 ** Math.min(20, failures));
  return ms * (0.5 + random.next() / 2);
}

/** Waits for the work, or until the signal fires: then undefined. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let onAbort = (): void => undefined;
  const given = new Promise<undefined>((resolve) => (onAbort = () => resolve(undefined)));
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, given]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Does not wait longer than that; what comes later is ignored. */
async function within<T>(clock: Clock, work: Promise<T>, ms: number): Promise<T> {
  let cancel = (): void => undefined;
  const late = new Promise<never>((_resolve, reject) => {
    cancel = clock.after(ms, () => reject(new RegistryError("unclear", `no answer within ${Math.round(ms)} ms`)));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel();
    // When it was too late, nobody listens to it any more.
    work.catch(() => undefined);
  }
}

/** For a daemon that only watches: takes no part in the election, and so keeps nobody from acting. */
export function watchOnly(clock: Clock): Leadership {
  const standing: LeadershipStanding = { kind: "stopped", sinceMs: clock.steadyMs() };
  return {
    current: () => noFence("this daemon only watches"),
    standing: () => standing,
    onChange: () => () => undefined,
    settled: async () => standing,
    stop: async () => undefined,
  };
}
