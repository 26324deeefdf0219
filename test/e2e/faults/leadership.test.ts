import { beforeEach, describe, expect, inject, it } from "vitest";
import { destroySession, leaderOf, memoryOf } from "../support/consul-facts.ts";
import { type EventLog, startedOf } from "../support/event-log.ts";
import { noteFault } from "../support/fault-report.ts";
import { openGround, openWay, startDaemon } from "../support/ground.ts";
import { by, type Peer, type PeerOptions } from "../support/peers.ts";
import { pass } from "../support/proxy.ts";
import { webService } from "../support/services.ts";
import { nameOf, until, type Site } from "../support/site.ts";

const consul = inject("consul");
let site: Site;
let events: EventLog;

beforeEach(async () => {
  ({ site, events } = await openGround());
});

const start = (options: PeerOptions = {}): Promise<Peer> => startDaemon(site, options);
const name = (slot: number, generation: number) => `heal.${site.environment}.web.${slot}.${generation}`;
const kill = (slot: number, generation: number) => site.docker("POST", `/containers/${name(slot, generation)}/kill`);
const startsOf = (action: string, from = 0) =>
  events
    .since(from)
    .filter((event) => event.action === action)
    .map((event) => event.name);
const passing = async () => (await site.registrations("web")).filter(({ status }) => status === "passing").length;
const leads = (peer: Peer) =>
  until(async () => (await leaderOf(consul, site.environment))?.processId === peer.pid, `${peer.pid} to lead`);

/** Two daemons over two healthy instances; the first leads. */
async function twoDaemons(options: PeerOptions = {}): Promise<readonly [leader: Peer, follower: Peer]> {
  site.desire({ web: webService(2) });
  const first = await start(options);
  await leads(first);
  const second = await start(options);
  await until(async () => (await passing()) === 2, "two to pass", 60_000);
  await until(() => second.log().includes('"kind":"follower"'), "the second to follow");
  return [first, second];
}

/** Waits for this container to be started, and gives the engine's own time of it. */
async function startedAt(container: string): Promise<number> {
  await until(() => startsOf("start").includes(container), `${container} to be started`);
  return events.all().find((event) => event.action === "start" && event.name === container)?.atMs ?? Number.NaN;
}

async function expectTwoAndNoMore(...names: readonly string[]): Promise<void> {
  await until(async () => (await passing()) === 2, "two to pass again");
  await until(
    async () => (await site.containers("web", { all: true })).length === 2,
    "the dead one to be cleared away",
  );
  expect((await site.containers("web")).map(nameOf).toSorted()).toEqual(names);
  // A leader that loses its lock between the two leaves what it has only created, and the next one makes it anew.
  const started = startedOf(events.all());
  expect(started.toSorted()).toEqual([...new Set(started)].toSorted());
}

describe("two daemons on one environment", () => {
  it("heal within four seconds when the one that leads is killed", async (test) => {
    const [leader, follower] = await twoDaemons();
    await leader.crash();
    const killedAtMs = Date.now();
    await kill(1, 1);
    const tookMs = (await startedAt(name(1, 2))) - killedAtMs;
    expect(tookMs).toBeLessThan(4_000);
    expect((await leaderOf(consul, site.environment))?.processId).toBe(follower.pid);
    await expectTwoAndNoMore(name(1, 2), name(2, 1));
    noteFault(
      test,
      "leading daemon killed -9, then a container",
      "the other daemon started the replacement, once",
      tookMs,
    );
  });

  it("hand over at once when the one that leads is told to stop", async (test) => {
    // Were the key not given back, nobody could have it before these were over, and it would be waited for in vain.
    const [leader, follower] = await twoDaemons({ settings: { leadership: { checkTtl: "30s", lockDelay: "30s" } } });
    const toldAtMs = Date.now();
    leader.kill("SIGTERM");
    await leads(follower);
    const tookMs = Date.now() - toldAtMs;
    await leader.ended;
    expect(leader.child.exitCode).toBe(0);
    await kill(2, 1);
    await startedAt(name(2, 2));
    await expectTwoAndNoMore(name(1, 1), name(2, 2));
    noteFault(test, "leading daemon stopped by SIGTERM", "the other led at once and healed", tookMs);
  });

  it("finish what is begun before they go, and leave nothing of it to the next", async (test) => {
    const proxy = await openWay(inject("docker"));
    const [leader, follower] = await twoDaemons({ environmentSettings: by(proxy.tcp, consul) });
    let sentAtMs: number | null = null;
    proxy.treat(({ method, path }) => {
      if (method !== "POST" || !/\/containers\/[^/]+\/start/.test(path)) return pass;
      sentAtMs ??= Date.now();
      return { kind: "delay", ms: 3_000 };
    });
    await kill(1, 1);
    await until(() => sentAtMs !== null, "the start to be sent");
    leader.kill("SIGTERM");
    const toldAtMs = Date.now();
    await leader.ended;
    const tookMs = Date.now() - toldAtMs;
    expect(leader.child.exitCode).toBe(0);
    expect(leader.log()).toContain(`start ${name(1, 2)}`);
    await leads(follower);
    await expectTwoAndNoMore(name(1, 2), name(2, 1));
    expect(startsOf("start")).toEqual([name(1, 1), name(2, 1), name(1, 2)]);
    noteFault(test, "leading daemon told to stop in the middle of a start", "the start finished, then it went", tookMs);
  });

  it("start nothing twice and nothing late when the one that leads stands still past its time", async (test) => {
    const [leader, follower] = await twoDaemons();
    leader.kill("SIGSTOP");
    const stoppedAtMs = Date.now();
    // The event of this death waits in the stopped leader's socket, and is the first thing it reads when it goes on.
    await kill(1, 1);
    const tookMs = (await startedAt(name(1, 2))) - stoppedAtMs;
    expect((await leaderOf(consul, site.environment))?.processId).toBe(follower.pid);
    await until(async () => (await passing()) === 2, "two to pass again");
    await kill(2, 1);
    const before = events.mark();
    leader.kill("SIGCONT");
    await expectTwoAndNoMore(name(1, 2), name(2, 2));
    await until(() => leader.log().split('"kind":"suspended"').length > 1, "the first to notice");
    await until(
      () => leader.log().lastIndexOf('"kind":"follower"') > leader.log().lastIndexOf('"kind":"suspended"'),
      "it to follow",
    );
    expect(startsOf("create", before).filter((created) => created !== name(2, 2))).toEqual([]);
    expect(startsOf("create").toSorted()).toEqual([name(1, 1), name(1, 2), name(2, 1), name(2, 2)]);
    expect((await leaderOf(consul, site.environment))?.processId).toBe(follower.pid);
    noteFault(
      test,
      "leading daemon SIGSTOPped past its time, then continued",
      "the other healed; no start twice, none late",
      tookMs,
    );
  });

  it("have one leader again, and one start of each, after its session was destroyed by hand", async (test) => {
    await twoDaemons();
    const before = await leaderOf(consul, site.environment);
    await destroySession(consul, before?.session ?? "");
    const destroyedAtMs = Date.now();
    await kill(1, 1);
    await startedAt(name(1, 2));
    const after = await leaderOf(consul, site.environment);
    expect(after?.session).not.toBe(before?.session);
    await expectTwoAndNoMore(name(1, 2), name(2, 1));
    const tookMs = (await startedAt(name(1, 2))) - destroyedAtMs;
    noteFault(
      test,
      "session of the leading daemon destroyed by hand, then a container killed",
      "one leader, one start",
      tookMs,
    );
  });

  it("elect one of those started together, which starts everything once", async (test) => {
    site.desire({ web: webService(3) });
    const beganAtMs = Date.now();
    const together = await Promise.all([start(), start(), start()]);
    await until(async () => (await passing()) === 3, "three to pass");
    const tookMs = Date.now() - beganAtMs;
    const leader = await leaderOf(consul, site.environment);
    expect(together.map(({ pid }) => pid)).toContain(leader?.processId);
    expect(startsOf("create").toSorted()).toEqual([name(1, 1), name(2, 1), name(3, 1)]);
    expect(Object.keys(await memoryOf(consul, site.environment))).toContain("memory/services/web");
    noteFault(test, "three daemons started together", "one led; every container was created once", tookMs);
  });
});
