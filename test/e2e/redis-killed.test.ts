/**
 * heal is killed (SIGKILL) at every step of a change of master: after each call that changes something in Docker or
 * Consul has taken effect and before it knows, and before each call while what came before it is done. The next heal
 * goes on from what the nodes themselves say.
 */
import { randomUUID } from "node:crypto";
import { afterEach, expect, inject, test } from "vitest";
import { askEngine } from "../../scripts/machine/engine-api.ts";
import { ask, keep, newMaster, roleOf, signal, whole } from "./support/redis-faults.ts";
import type { RedisHeal, TaggedRegistration } from "./support/redis-heal.ts";
import { openRedisHeal, until } from "./support/redis-heal.ts";
import { changes, openProxy, pass, type Exchange, type Proxy } from "./support/proxy.ts";

let heal: RedisHeal | null = null;
let proxies: readonly Proxy[] = [];
let network: string | null = null;
afterEach(async () => {
  await heal?.end();
  heal = null;
  for (const proxy of proxies) await proxy.close();
  proxies = [];
  if (network !== null) await askEngine(inject("docker"), "DELETE", `/networks/${network}`);
  network = null;
});

/** Patient with slots whose instances die in every round. */
const settings = {
  leadership: { checkTtl: "2s", lockDelay: "2s" },
  healing: { backOff: { initial: "100ms", max: "1s" }, quarantine: { failures: 1_000 }, inFlight: "5s" },
  blastRadius: { stopsPerWindow: 1_000, window: "1s", shareOfFleet: 1 },
};
/** By then every step of a change of master has been seen; one that is not through is a bug of the test or of heal. */
const CALLS_MAX = 12;

/**
 * In a network of its own: for as long as no heal runs, the replicas of a dead master would copy from whatever Redis of
 * another test that gets its address.
 */
async function group(count: number): Promise<RedisHeal> {
  const name = `redis-killed-${randomUUID().slice(0, 6)}`;
  await askEngine(inject("docker"), "POST", "/networks/create", { json: { Name: name } });
  network = name;
  proxies = [await openProxy(inject("docker")), await openProxy(inject("consul"))];
  const [docker, consul] = proxies as [Proxy, Proxy];
  heal = await openRedisHeal({
    count,
    program: true,
    docker: docker.tcp,
    consul: consul.http,
    container: { networks: [name] },
    settings,
  });
  return heal;
}

/** Heartbeats, the leader's key and what is told of standings go on by the clock. */
const byTheClock = /\/agent\/check\/|\/session\/|heal-status|\/acl\/authorize|\/leader(?:\?|$)/;
const counts = (exchange: Exchange): boolean => changes(exchange) && !byTheClock.test(exchange.path);

type Moment = "before" | "after";

/** Kills heal at its n-th call from now on; `before`: the call is never made; `after`: its answer never comes. */
function killAt(of: RedisHeal, n: number, moment: Moment): { readonly calls: readonly string[]; killed(): boolean } {
  const calls: string[] = [];
  let isKilled = false;
  const rule = (exchange: Exchange) => {
    if (!counts(exchange)) return pass;
    calls.push(`${exchange.method} ${exchange.path.replace(/\?.*/, "")}`);
    if (calls.length < n) return pass;
    if (calls.length > n) return { kind: "hang" } as const;
    const isDone = async (): Promise<boolean> => moment === "before" || exchange.status !== null;
    void until("the call has taken effect", isDone, Boolean).then(async () => {
      await of.killHeal();
      isKilled = true;
    });
    return { kind: moment === "before" ? "hang" : "hold-answer" } as const;
  };
  for (const proxy of proxies) proxy.treat(rule);
  return { calls, killed: () => isKilled };
}

/** One change of master after the other, heal killed one step later each time, until one comes through. */
async function killedAtEachStep(
  of: RedisHeal,
  count: number,
  moment: Moment,
  begin: (old: TaggedRegistration) => Promise<unknown>,
): Promise<readonly string[]> {
  const deaths: string[] = [];
  let master = await whole(of, count);
  await keep(of, master);
  for (let n = 1; n <= CALLS_MAX; n += 1) {
    // A failover on evidence that needs time is not followed by another one right away.
    const set = killAt(of, n, moment);
    let refused = false;
    const tryIt = (): Promise<unknown> => begin(master).catch(() => (refused = true));
    let begun = tryIt();
    const outcome = await until(
      `heal is killed at call ${n} or the change is through`,
      async () => {
        if (set.killed()) return "killed";
        if (await isThrough(of, master, count)) return "through";
        // Right after a change another one may be refused for a moment.
        if (refused) {
          refused = false;
          begun = tryIt();
        }
        return "neither";
      },
      (one) => one !== "neither",
    );
    for (const proxy of proxies) proxy.treat(() => pass);
    await begun;
    if (outcome === "through") return deaths;
    deaths.push(set.calls[n - 1] ?? "");
    await of.startHeal();
    // What Consul shows may still be the state before: the nodes themselves have to say so.
    master = await until(
      `one master and all data, after death ${moment} ${set.calls.join(", ")}`,
      async () => {
        const found = await whole(of, count);
        const all = await of.registrations();
        const kept = await Promise.all(all.map((one) => ask(one, "GET", "kept").catch(() => "away")));
        const role = await roleOf(found).catch(() => "away");
        return role === "master" && kept.every((value) => value === "yes") ? found : null;
      },
      (found) => found !== null,
    ).then((found) => found as TaggedRegistration);
  }
  return deaths;
}

async function isThrough(of: RedisHeal, old: TaggedRegistration, count: number): Promise<boolean> {
  const all = await of.registrations();
  const master = all.find(({ tags }) => tags.includes("master"));
  const isNew = master !== undefined && master.container !== old.container;
  return isNew && all.length === count && all.every(({ passing, tags }) => passing && tags.length === 1);
}

for (const moment of ["before", "after"] as const) {
  test(`a failover that heal does not survive is completed by the next one: killed ${moment} each call`, async () => {
    const of = await group(3);
    const deaths = await killedAtEachStep(of, 3, moment, ({ container }) => signal(of, container, "SIGKILL"));
    console.log(`killed ${moment}: ${deaths.join(", ")}`);
    // The intent, the old master's tag, its agent, the new tags: at the least.
    expect(deaths.length).toBeGreaterThanOrEqual(4);
    expect(deaths.filter((call) => call.endsWith("/v1/txn")).length).toBeGreaterThanOrEqual(3);
  }, 400_000);
}

test("a switchover that heal does not survive leaves one master, with all that was written", async () => {
  const of = await group(2);
  const deaths = await killedAtEachStep(of, 2, "after", () => of.switchover(null));
  console.log(`switchover, killed after: ${deaths.join(", ")}`);
  expect(deaths.length).toBeGreaterThanOrEqual(2);
}, 400_000);

test("heal that dies the moment a replica was promoted leaves it to the next one to tag it", async () => {
  const of = await group(2);
  const old = await whole(of, 2);
  const other = (await of.registrations()).find(({ id }) => id !== old.id);
  if (other === undefined) throw new Error("no replica");
  await keep(of, old);
  await signal(of, old.container, "SIGKILL");
  await until(
    "promoted",
    () => roleOf(other),
    (role) => role === "master",
  );
  await of.killHeal();
  await of.startHeal();
  expect((await newMaster(of, old)).container).toBe(other.container);
  expect(await ask(await whole(of, 2), "GET", "kept")).toBe("yes");
}, 120_000);
