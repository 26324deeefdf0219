/**
 * heal is killed after every single call that changes something, before it sees the answer. Calls that only read
 * change nothing outside of heal, so that these are all the states in which a death between two calls can leave the
 * world: after the last call before it, and nothing of the next one.
 */
import { describe, expect, inject, it } from "vitest";
import { openEventLog, type EventLog } from "../support/event-log.ts";
import { noteFault } from "../support/fault-report.ts";
import { expectNoSlotTwice, settles } from "../support/invariants.ts";
import { by, launch, startPeer, type Peer, type PeerOptions } from "../support/peers.ts";
import { changes, openProxy, pass, type Exchange, type Proxy } from "../support/proxy.ts";
import { webService } from "../support/services.ts";
import { nameOf, openSite, until, type Site } from "../support/site.ts";

const docker = inject("docker");
const consul = inject("consul");

/** Patient with an instance that dies in every round, and with a machine on which three of these run at once. */
const settings = {
  leadership: { checkTtl: "3s", lockDelay: "2s" },
  healing: { backOff: { initial: "100ms", max: "1s" }, quarantine: { failures: 1_000 }, inFlight: "5s" },
  blastRadius: { stopsPerWindow: 1_000, window: "1s", shareOfFleet: 1 },
};

interface Ground {
  readonly site: Site;
  readonly events: EventLog;
  readonly proxies: readonly [docker: Proxy, consul: Proxy];
  readonly options: PeerOptions;
  close(): Promise<void>;
}

async function openGround(): Promise<Ground> {
  const site = openSite({ docker, consul, settings });
  const events = await openEventLog(docker, site.environment);
  const proxies = [await openProxy(docker), await openProxy(consul)] as const;
  return {
    site,
    events,
    proxies,
    options: { environmentSettings: by(proxies[0].tcp, proxies[1].http) },
    async close() {
      events.close();
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await site.close();
    },
  };
}

/** Heartbeats and the showing of standings go on by the clock and are no part of a heal. */
const counts = (exchange: Exchange): boolean => changes(exchange) && !/\/agent\/check\//.test(exchange.path);

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

describe.concurrent("heal, killed after any call that changes something", () => {
  it(
    "has its pass completed by the next one: two instances started from nothing",
    { timeout: 600_000 },
    async (test) => {
      let deaths = 0;
      let finished = false;
      for (let n = 1; !finished; n += 1) {
        expect(n).toBeLessThan(callsMax);
        const ground = await openGround();
        try {
          ground.site.desire({ web: webService(2) });
          const holder: { victim: Peer | null } = { victim: null };
          const set = trap(ground, () => holder.victim, n);
          holder.victim = launch(ground.site, ground.options, []);
          await holder.victim.ended;
          set.disarm();
          finished = holder.victim.child.signalCode === null;
          if (!finished) deaths += 1;
          const next = await startPeer(ground.site, ground.options);
          await settles(ground.site, consul, "web", 2)
            .catch(async (error: Error) => {
              throw new Error(`after death at ${set.calls.join(", ")}: ${error.message}\n${await story(next)}`);
            })
            .finally(() => next.stop());
          expectNoSlotTwice(ground.events.all());
          expect(
            (await ground.site.containers("web"))
              .map(nameOf)
              .toSorted()
              .map((name) => name.replace(/\.\d+$/, "")),
          ).toEqual([1, 2].map((slot) => `heal.${ground.site.environment}.web.${slot}`));
        } finally {
          await ground.close();
        }
      }
      expect(deaths).toBeGreaterThan(8);
      noteFault(
        test,
        `one-shot heal killed -9 after each of its ${deaths} changing calls`,
        "the next one completed it; no duplicate, no orphan",
        null,
      );
    },
  );

  it("has a replacement completed by the next daemon", { timeout: 600_000 }, async (test) => {
    const deaths = await chain({ web: webService(2) }, 2, async ({ site }) => {
      const [victim] = await site.containers("web");
      await site.docker("POST", `/containers/${victim?.Id}/kill`);
    });
    expect(deaths).toBeGreaterThan(4);
    noteFault(
      test,
      `daemon killed -9 after each of the ${deaths} changing calls of a replacement`,
      "the next one completed it; no duplicate, no orphan",
      null,
    );
  });

  it("has a stop completed by the next daemon", { timeout: 600_000 }, async (test) => {
    const trimmed = webService(1, { surplus: { action: "trim", after: "100ms" } });
    const deaths = await chain(
      { web: trimmed },
      1,
      async ({ site, events }) => {
        const before = events.mark();
        site.desire({ web: webService(2) });
        await until(() => events.since(before).some(({ action }) => action === "start"), "the second to be started");
        await until(
          async () => (await site.registrations("web")).filter(({ status }) => status === "passing").length === 2,
          "two to pass",
        );
      },
      ({ site }) => site.desire({ web: trimmed }),
    );
    expect(deaths).toBeGreaterThan(3);
    noteFault(
      test,
      `daemon killed -9 after each of the ${deaths} changing calls of a stop`,
      "the next one completed it; no orphan",
      null,
    );
  });
});

/**
 * Brings about what is to be healed again and again; the daemon is killed after the first call of it, the next daemon
 * completes it and is killed after the second call of the next time, and so on, until one comes through.
 */
async function chain(
  services: Readonly<Record<string, object>>,
  count: number,
  prepare: (ground: Ground) => Promise<void>,
  begin: (ground: Ground) => void = () => undefined,
): Promise<number> {
  const ground = await openGround();
  let daemon: Peer | null = null;
  try {
    ground.site.desire(services);
    daemon = await startPeer(ground.site, ground.options);
    await settles(ground.site, consul, "web", count).catch((error: Error) => {
      throw new Error(`at first: ${error.message}\n${daemon?.log()}`);
    });
    for (let n = 1; n < callsMax; n += 1) {
      const twoSteps = begin.length > 0;
      const alive = daemon;
      const tell = async (error: Error): Promise<never> => {
        throw new Error(`before the death at call ${n}: ${error.message}\n${await story(alive)}`);
      };
      if (twoSteps) await prepare(ground).catch(tell);
      const set = trap(ground, () => daemon, n);
      if (twoSteps) begin(ground);
      else await prepare(ground);
      const outcome = await Promise.race([
        daemon.ended.then(() => "died"),
        settlesQuietly(ground, count).then(() => "through"),
      ]);
      set.disarm();
      if (outcome === "through") return n - 1;
      daemon = await startPeer(ground.site, ground.options);
      const next = daemon;
      await settles(ground.site, consul, "web", count).catch(async (error: Error) => {
        throw new Error(`after death at ${set.calls.join(", ")}: ${error.message}\n${await story(next)}`);
      });
      expectNoSlotTwice(ground.events.all());
    }
    throw new Error(`not through after ${callsMax} calls`);
  } finally {
    await daemon?.stop();
    await ground.close();
  }
}

async function story(daemon: Peer): Promise<string> {
  return `${(await daemon.heal("why", "web")).stdout}\n${daemon.log()}`;
}

/** A moment after all is settled nothing more is called. */
async function settlesQuietly({ site, proxies }: Ground, count: number): Promise<void> {
  await new Promise((passed) => setTimeout(passed, 500));
  await settles(site, consul, "web", count);
  const called = () => proxies.reduce((sum, proxy) => sum + proxy.exchanges.filter(counts).length, 0);
  for (let before = -1; before !== called();) {
    before = called();
    await new Promise((passed) => setTimeout(passed, 2_500));
  }
}
