/**
 * heal is killed after every single call that changes something, before it sees the answer. Calls that only read
 * change nothing outside of heal, so that these are all the states in which a death between two calls can leave the
 * world: after the last call before it, and nothing of the next one.
 */
import pLimit from "p-limit";
import { describe, expect, inject, it, type TestContext } from "vitest";
import { openEventLog, type EventLog } from "../support/event-log.ts";
import { noteFault } from "../support/fault-report.ts";
import { expectNoSlotTwice, isSettled, settles } from "../support/invariants.ts";
import { by, launch, startPeer, type Peer, type PeerOptions } from "../support/peers.ts";
import { changes, openProxy, pass, type Exchange, type Proxy } from "../support/proxy.ts";
import { webService } from "../support/services.ts";
import { openSite, until, type Site } from "../support/site.ts";

const docker = inject("docker");
const consul = inject("consul");

/** Patient with a machine on which several of these run at once, but not with an instance that dies. */
const settings = {
  leadership: { checkTtl: "5s", lockDelay: "4s" },
  healing: { backOff: { initial: "100ms", max: "1s" }, inFlight: "5s" },
};

interface Ground {
  readonly site: Site;
  readonly events: EventLog;
  readonly proxies: readonly [docker: Proxy, consul: Proxy];
  readonly options: PeerOptions;
  /** What is to be stopped at the end, dead or alive. */
  readonly peers: Peer[];
  close(): Promise<void>;
}

async function openGround(): Promise<Ground> {
  const site = openSite({ docker, consul, settings });
  const events = await openEventLog(docker, site.environment);
  const proxies = [await openProxy(docker), await openProxy(consul)] as const;
  const peers: Peer[] = [];
  return {
    site,
    peers,
    events,
    proxies,
    options: { environmentSettings: by(proxies[0].tcp, proxies[1].http) },
    async close() {
      await Promise.all(peers.map((peer) => peer.stop()));
      events.close();
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await site.close();
    },
  };
}

/** Heartbeats and the showing of standings go on by the clock and are no part of a heal; what a token may do is only asked. */
const counts = (exchange: Exchange): boolean =>
  changes(exchange) && !/\/agent\/check\/|\/internal\/acl\/authorize/.test(exchange.path);

interface Trap {
  /** What was called so far since it was set, the last one being that of the death. */
  readonly calls: readonly string[];
  disarm(): void;
}

/** Kills the process as soon as the n-th call from now on has taken effect, and before it can know. */
function trap({ proxies }: Ground, victim: () => Peer | null, n: number): Trap {
  const calls: string[] = [];
  const rule = (exchange: Exchange) => {
    if (!counts(exchange)) return pass;
    calls.push(`${exchange.method} ${exchange.path.replace(/\?.*/, "")}`);
    if (calls.length !== n) return calls.length < n ? pass : ({ kind: "hang" } as const);
    void until(() => exchange.status !== null, "the call to take effect").then(() => victim()?.kill("SIGKILL"));
    return { kind: "hold-answer" } as const;
  };
  for (const proxy of proxies) proxy.treat(rule);
  return {
    calls,
    disarm: () => proxies.forEach((proxy) => proxy.treat(() => pass)),
  };
}

/** The longest series that is tried; one that is still not through by then is a bug of the test or of heal. */
const callsMax = 60;

/** So many places are tried at the same time, each in an environment of its own: most of a trial is waiting for the lock. */
const atOnce = 4;

/** What is to be completed after a death, and how it comes about. */
interface Work {
  /** Brings the environment to the moment before it. Gives the process that will do it, or null when `begin` does. */
  prepare(ground: Ground): Promise<Peer | null>;
  /** Sets it off. Gives the process that does it. */
  begin(ground: Ground, prepared: Peer | null): Promise<Peer>;
  /** Resolves when it came through without a death. */
  through(ground: Ground, doer: Peer): Promise<void>;
  readonly count: number;
}

const started = async ({ site, options, peers }: Ground): Promise<Peer> => {
  const peer = await startPeer(site, options);
  peers.push(peer);
  return peer;
};
const daemonOver = async (ground: Ground, services: Readonly<Record<string, object>>, count: number): Promise<Peer> => {
  ground.site.desire(services);
  const daemon = await started(ground);
  await settles(ground.site, consul, "web", count).catch(async (error: Error) => {
    throw new Error(`at first: ${error.message}\n${await story(daemon)}`);
  });
  return daemon;
};

const twoFromNothing: Work = {
  count: 2,
  async prepare({ site }) {
    site.desire({ web: webService(2) });
    return null;
  },
  async begin({ site, options, peers }) {
    const oneShot = launch(site, options, []);
    peers.push(oneShot);
    return oneShot;
  },
  through: (_ground, { ended }) => ended,
};

const replacement: Work = {
  count: 2,
  prepare: (ground) => daemonOver(ground, { web: webService(2) }, 2),
  async begin({ site }, daemon) {
    const [victim] = await site.containers("web");
    await site.docker("POST", `/containers/${victim?.Id}/kill`);
    return daemon!;
  },
  through: (ground, doer) => settlesQuietly(ground, doer, 2),
};

const stop: Work = {
  count: 1,
  prepare: (ground) => daemonOver(ground, { web: webService(2) }, 2),
  async begin({ site }, daemon) {
    site.desire({ web: webService(1, { surplus: { action: "trim", after: "100ms" } }) });
    return daemon!;
  },
  through: (ground, doer) => settlesQuietly(ground, doer, 1),
};

describe("heal, killed after any call that changes something", () => {
  for (const [what, work, deathsMin, fault, outcome] of [
    [
      "a one-shot's pass completed by the next heal: two instances started from nothing",
      twoFromNothing,
      9,
      (deaths: number) => `one-shot heal killed -9 after each of its ${deaths} changing calls`,
      "the next one completed it; no duplicate, no orphan",
    ],
    [
      "a replacement completed by the next daemon",
      replacement,
      5,
      (deaths: number) => `daemon killed -9 after each of the ${deaths} changing calls of a replacement`,
      "the next one completed it; no duplicate, no orphan",
    ],
    [
      "a stop completed by the next daemon",
      stop,
      4,
      (deaths: number) => `daemon killed -9 after each of the ${deaths} changing calls of a stop`,
      "the next one completed it; no orphan",
    ],
  ] as const) {
    it(`has ${what}`, { timeout: 600_000 }, async (test) => {
      const deaths = await everyPlace(work, test);
      expect(deaths).toBeGreaterThanOrEqual(deathsMin);
      noteFault(test, fault(deaths), outcome, null);
    });
  }
});

/** Dies after the first call, the second, and so on, until it comes through without; gives how many deaths there were. */
async function everyPlace(work: Work, { signal }: Pick<TestContext, "signal">): Promise<number> {
  const limit = pLimit(atOnce);
  let through = callsMax;
  const trials = Array.from({ length: callsMax }, (_, index) =>
    limit(async () => {
      const n = index + 1;
      if (n > through || signal.aborted) return;
      try {
        if ((await diesAt(n, work)) === "through") through = Math.min(through, n);
      } catch (error) {
        through = 0;
        throw error;
      }
    }),
  );
  const failed = (await Promise.allSettled(trials)).find((trial) => trial.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  if (through === callsMax) throw new Error(`not through after ${callsMax} calls`);
  return through - 1;
}

/** One death, after the n-th call, and its consequences. */
async function diesAt(n: number, work: Work): Promise<"died" | "through"> {
  const ground = await openGround();
  try {
    const prepared = await work.prepare(ground);
    const holder: { victim: Peer | null } = { victim: prepared };
    const set = trap(ground, () => holder.victim, n);
    const doer = await work.begin(ground, prepared);
    holder.victim = doer;
    await Promise.race([doer.ended, work.through(ground, doer)]);
    set.disarm();
    if (doer.child.signalCode === null) return "through";
    const next = await started(ground);
    await settles(ground.site, consul, "web", work.count).catch(async (error: Error) => {
      throw new Error(`after death at ${set.calls.join(", ")}: ${error.message}\n${await story(next)}`);
    });
    expectNoSlotTwice(ground.events.all());
    const slots = (await ground.site.containers("web")).map(({ Labels }) => Labels["heal.slot"]).toSorted();
    expect(slots).toEqual(Array.from({ length: work.count }, (_, index) => String(index + 1)));
    return "died";
  } finally {
    await ground.close();
  }
}

async function story(daemon: Peer): Promise<string> {
  return `${(await daemon.heal("why", "web")).stdout}\n${daemon.log()}`;
}

/** A moment after all is settled nothing more is called; or it has died. */
async function settlesQuietly({ site, proxies }: Ground, doer: Peer, count: number): Promise<void> {
  const called = () => proxies.reduce((sum, proxy) => sum + proxy.exchanges.filter(counts).length, 0);
  for (let before = -1; !doer.hasEnded();) {
    const isQuiet = before === called();
    if (isQuiet && (await isSettled(site, consul, "web", count))) return;
    before = called();
    await new Promise((passed) => setTimeout(passed, 2_500));
  }
}
