/** Servers that answer, and should not be believed, or cannot be understood. */
import { describe, expect, inject, it } from "vitest";
import { noteFault } from "../support/fault-report.ts";
import { openGround, openWay, startOverTwo, type Ground as Bare } from "../support/ground.ts";
import { settles } from "../support/invariants.ts";
import { by, untilChecks, untilSays, type Peer } from "../support/peers.ts";
import { pass, type Exchange, type Proxy, type Treatment } from "../support/proxy.ts";
import { until } from "../support/site.ts";

const consul = inject("consul");

interface Ground extends Bare {
  readonly daemon: Peer;
  readonly toDocker: Proxy;
  readonly toConsul: Proxy;
}

/** Two healthy instances under a daemon that reaches both servers by way of proxies. */
async function twoHealthy(): Promise<Ground> {
  const { site, events } = await openGround();
  const [toDocker, toConsul] = [await openWay(inject("docker")), await openWay(consul)];
  const daemon = await startOverTwo(site, { environmentSettings: by(toDocker.tcp, toConsul.http) });
  return { site, events, daemon, toDocker, toConsul };
}

const killOne = async ({ site, events }: Ground): Promise<void> => {
  const from = events.mark();
  const [victim] = await site.containers("web");
  await site.docker("POST", `/containers/${victim?.Id}/kill`);
  await until(() => events.since(from).some(({ action }) => action === "die"), "the container to die");
};
const created = ({ events }: Ground, from: number): readonly string[] =>
  events
    .since(from)
    .filter(({ action }) => action === "create")
    .map(({ name }) => name);
const isRead = ({ method }: Exchange): boolean => method === "GET";
const isAboutWeb = (exchange: Exchange): boolean =>
  isRead(exchange) && /\/v1\/health\/service\/web/.test(exchange.path);
const isConsistent = ({ path }: Exchange): boolean => /[?&]consistent/.test(path);
const isList = (exchange: Exchange): boolean => isRead(exchange) && /\/containers\/json/.test(exchange.path);

/** Waits until so many requests that are meant have come from now on. */
async function untilAsked(proxy: Proxy, isMeant: (exchange: Exchange) => boolean, times: number): Promise<void> {
  const from = proxy.exchanges.length;
  await until(() => proxy.exchanges.slice(from).filter(isMeant).length >= times, "it to be asked", 60_000);
}

/** All that is answered wrongly is right again, and nothing has come of it. */
async function recovers(ground: Ground, proxy: Proxy): Promise<void> {
  proxy.treat(() => pass);
  proxy.cut();
  await untilChecks(ground.daemon, 0);
  await settles(ground.site, consul, "web", 2);
}

describe("the daemon under answers of Consul that are not true", () => {
  it("believes no valid but empty answer", async (test) => {
    const ground = await twoHealthy();
    const { events, daemon, toConsul, site } = ground;
    const from = events.mark();
    const emptyAtMs = Date.now();
    toConsul.treat(empty);
    toConsul.cut();
    await untilSays(daemon, 3, /not listed in Consul/);
    // Several looks, those that are consistent among them, and a look after each.
    await untilAsked(toConsul, isAboutWeb, 4);
    expect(events.since(from)).toEqual([]);
    expect((await site.registrations("web")).length).toBe(2);
    await recovers(ground, toConsul);
    expect(events.since(from)).toEqual([]);
    noteFault(
      test,
      "Consul answers 200 with nothing in it",
      "status 3 meanwhile; nothing started, stopped or deregistered",
      Date.now() - emptyAtMs,
    );
  });

  it("does nothing by answers that say that they are old", async (test) => {
    const ground = await twoHealthy();
    const { events, daemon, toConsul } = ground;
    const from = events.mark();
    const old: Treatment = { kind: "relabel", headers: { "x-consul-lastcontact": "90000" } };
    toConsul.treat((exchange) => (isRead(exchange) && /\/v1\/health\//.test(exchange.path) ? old : pass));
    toConsul.cut();
    await untilSays(daemon, 3, /90 s old/);
    await killOne(ground);
    await untilAsked(toConsul, isAboutWeb, 4);
    expect(created(ground, from)).toEqual([]);
    const backAtMs = Date.now();
    await recovers(ground, toConsul);
    expect(created(ground, from)).toHaveLength(1);
    noteFault(
      test,
      "Consul's answers are 90 s old and say so, a container killed",
      "status 3 and why; nothing started; healed once with the next fresh answer",
      Date.now() - backAtMs,
    );
  });

  it("starts what Docker knows to be dead once, though old answers call it healthy", async (test) => {
    const ground = await twoHealthy();
    const { site, events, toConsul } = ground;
    const from = events.mark();
    const before = await fetch(`${consul}/v1/health/service/web`);
    const headers = {
      "content-type": "application/json",
      "x-consul-index": before.headers.get("x-consul-index") ?? "1",
      "x-consul-knownleader": "true",
      "x-consul-lastcontact": "0",
    };
    const body = await before.text();
    toConsul.treat((exchange) => {
      const isOld = isAboutWeb(exchange) && !isConsistent(exchange);
      return isOld ? { kind: "answer", status: 200, headers, body } : pass;
    });
    toConsul.cut();
    const killedAtMs = Date.now();
    await killOne(ground);
    await until(() => created(ground, from).length > 0, "a start");
    await untilAsked(toConsul, isAboutWeb, 4);
    expect((await site.containers("web")).length).toBe(2);
    await recovers(ground, toConsul);
    expect(created(ground, from)).toHaveLength(1);
    expect(events.since(from).filter(({ action }) => action === "die")).toHaveLength(1);
    noteFault(
      test,
      "Consul's answers are old and do not say so, a container killed",
      "one start; nothing else touched",
      Date.now() - killedAtMs,
    );
  });

  it("neither goes blind nor asks without end while the index goes backwards", async (test) => {
    const ground = await twoHealthy();
    const { site, toConsul, events } = ground;
    const from = events.mark();
    let index = 1_000_000;
    toConsul.treat((exchange) =>
      isRead(exchange) ? { kind: "relabel", headers: { "x-consul-index": String((index -= 1)) } } : pass,
    );
    toConsul.cut();
    const asked = toConsul.exchanges.length;
    const beganAtMs = Date.now();
    await killOne(ground);
    await settles(site, consul, "web", 2);
    const tookMs = Date.now() - beganAtMs;
    await new Promise((passed) => setTimeout(passed, 3_000));
    const perSecond = ((toConsul.exchanges.length - asked) * 1_000) / (Date.now() - beganAtMs);
    expect(perSecond).toBeLessThan(100);
    expect(created(ground, from)).toHaveLength(1);
    await recovers(ground, toConsul);
    noteFault(
      test,
      "Consul's index goes backwards with every answer, a container killed",
      `healed once; ${Math.round(perSecond)} requests a second`,
      tookMs,
    );
  });
});

describe("the daemon under answers that cannot be understood", () => {
  const json = { "content-type": "application/json", "x-consul-index": "7", "x-consul-knownleader": "true" };
  const answering = (body: string): Treatment => ({ kind: "answer", status: 200, headers: json, body });
  const nonsense: readonly (readonly [what: string, how: () => Treatment])[] = [
    ["half of it", () => ({ kind: "halve" })],
    ["a web page", () => answering("<html>Please log in</html>")],
    ["another shape", () => answering('{"__proto__": {"State": "running"}, "Id": [[]]}')],
    ["wrong types", () => answering('[{"Id": 7, "Names": {"a": 1}, "Labels": 3, "Service": "x", "Checks": {}}]')],
    ["a hundred thousand brackets", () => answering("[".repeat(100_000))],
    ["80 MB", () => answering(`["${"a".repeat(80 * 1024 * 1024)}"]`)],
    ["a refusal", () => ({ kind: "answer", status: 500, headers: {}, body: "rpc error: No cluster leader" })],
    ["nothing, ever", () => ({ kind: "hang" })],
  ];

  for (const [server, isMeant] of [
    ["Consul", (exchange: Exchange) => isRead(exchange) && /\/v1\/(health|catalog)\//.test(exchange.path)],
    ["Docker", isList],
  ] as const) {
    it(`does nothing by what ${server} says, says that it cannot tell, and goes on afterwards`, async (test) => {
      const ground = await twoHealthy();
      const { events, daemon, toConsul, toDocker } = ground;
      const from = events.mark();
      const proxy = server === "Consul" ? toConsul : toDocker;
      const beganAtMs = Date.now();
      for (const [what, how] of nonsense) {
        const answer = how();
        proxy.treat((exchange) => (isMeant(exchange) ? answer : pass));
        proxy.cut();
        await untilChecks(daemon, 3).catch((error: Error) => {
          throw new Error(`${what}: ${error.message}`);
        });
        expect(events.since(from), what).toEqual([]);
        await recovers(ground, proxy);
      }
      expect(events.since(from)).toEqual([]);
      expect(daemon.hasEnded()).toBe(false);
      noteFault(
        test,
        `${server} answers with ${nonsense.map(([what]) => what).join(", ")}`,
        "status 3 each time; nothing started or stopped; status 0 after each",
        Date.now() - beganAtMs,
      );
    });
  }
});

/** Well-formed, with a known leader and an index, and nothing in it: as agents answer during some elections. */
function empty({ method, path }: Exchange): Treatment {
  const headers = {
    "Content-Type": "application/json",
    "X-Consul-Index": "1",
    "X-Consul-KnownLeader": "true",
    "X-Consul-LastContact": "0",
  };
  if (method !== "GET") return pass;
  if (/\/v1\/health\//.test(path)) return { kind: "answer", status: 200, headers, body: "[]" };
  if (/\/v1\/catalog\/services/.test(path)) return { kind: "answer", status: 200, headers, body: "{}" };
  return pass;
}
