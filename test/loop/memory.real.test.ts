import { afterAll, expect, it, onTestFinished } from "vitest";
import { realClock } from "../../src/adapters/clock.ts";
import { consulCoordination } from "../../src/adapters/consul/coordination.ts";
import { realRandom } from "../../src/adapters/random.ts";
import { openHistory } from "../../src/loop/history.ts";
import { startLeadership, type Leadership } from "../../src/loop/leadership.ts";
import { defaultTerms } from "../../src/loop/lease.ts";
import { openMemory } from "../../src/loop/memory.ts";
import type { ServiceMemory } from "../../src/model/memory.ts";
import { noServiceMemory, noSlotMemory } from "../../src/model/memory.ts";
import { anEnvironment, connectTo, put, realConsulUrl, remove } from "../adapters/consul/real.ts";

const clean = connectTo(process.env["HEAL_TEST_CONSUL"] ?? "http://127.0.0.1:1");
const environments: string[] = [];
afterAll(async () => {
  for (const environment of environments) await remove(clean, `kv/heal/${environment}`, { recurse: "1" });
  clean.close();
});

const deps = { clock: realClock(), random: realRandom() };

/** One daemon's view: its own leadership and its own Memory. */
async function aDaemon(environment: string) {
  const connection = connectTo(realConsulUrl());
  const coordination = consulCoordination({ connection, ...deps }, environment);
  const holder = { node: "test", processId: process.pid, version: "0", address: null };
  const leadership = startLeadership({ coordination, ...deps }, { holder, terms: defaultTerms });
  onTestFinished(async () => {
    await leadership.stop();
    connection.close();
  });
  await leads(leadership);
  const memory = openMemory({ coordination, ...deps }, { holdUnreadableMs: 60_000 });
  await memory.load();
  return { coordination, leadership, memory };
}

async function leads(leadership: Leadership): Promise<void> {
  await expect.poll(() => leadership.current().mayAct(), { timeout: 10_000, interval: 10 }).toBe(true);
}

function aPlace(): string {
  const environment = anEnvironment();
  environments.push(environment);
  return environment;
}

function aService(changes: Partial<ServiceMemory> = {}): ServiceMemory {
  const slots = { 1: { ...noSlotMemory, generation: 2, host: "h1", specHash: "abc" } };
  return { ...noServiceMemory, slots, registrations: 1, ...changes };
}

it("hands Memory and history of a thousand services from one leader to the next", async () => {
  const environment = aPlace();
  const first = await aDaemon(environment);
  const nowMs = deps.clock.steadyMs();
  const backOff = { delayMs: 40_000, untilMs: nowMs + 40_000, because: "port taken" };
  const services = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`s${n}`, aService({ backOff })]));
  const startedAt = performance.now();
  expect(await first.memory.commit(first.leadership.current(), { services, alerts: { version: 1 } })).toBeNull();
  console.error(`1,000 services written in ${Math.round(performance.now() - startedAt)} ms`);
  const history = openHistory(first.coordination, deps.clock);
  const entry = {
    at: "2026-01-01T00:00:00Z",
    kind: "action",
    what: "start",
    why: "missing",
    outcome: "done",
    detail: null,
  } as const;
  history.save(first.leadership.current(), "s1", [entry]);
  await history.flush();
  await first.leadership.stop();

  const second = await aDaemon(environment);
  expect(Object.keys(second.memory.view().services)).toHaveLength(1_000);
  expect(second.memory.alerts()).toEqual({ version: 1 });
  const { untilMs } = second.memory.view().services["s7"]!.backOff!;
  const left = untilMs - deps.clock.steadyMs();
  expect(left).toBeGreaterThan(39_000);
  expect(left).toBeLessThanOrEqual(40_000);
  expect(await openHistory(second.coordination, deps.clock).load()).toEqual({ s1: [entry] });
  expect(await second.memory.commit(second.leadership.current(), { services: { s7: null } })).toBeNull();
});

it("writes nothing under a session that an operator has destroyed, though the lease seems valid", async () => {
  const { leadership, memory, coordination } = await aDaemon(aPlace());
  const fence = leadership.current();
  await put(clean, `session/destroy/${fence.lease!.sessionId}`);
  expect(fence.mayAct()).toBe(true);
  expect(await memory.commit(fence, { services: { web: aService() } })).toMatch(/another heal may lead/);
  expect(await coordination.loadMemory()).toEqual([]);
});

it("sets aside what an operator spoilt, and goes on with the other services", async () => {
  const environment = aPlace();
  const { leadership, memory, coordination } = await aDaemon(environment);
  await memory.commit(leadership.current(), { services: { web: aService(), api: aService() } });
  await put(clean, `kv/heal/${environment}/memory/services/web`, {}, "{ not json");
  expect(await memory.commit(leadership.current(), { services: { web: aService({ registrations: 2 }) } })).toMatch(
    /changed by somebody else \(memory\/services\/web\)/,
  );
  expect(memory.view().services["web"]!.pause!.why).toMatch(/^its memory was set aside: it is not JSON/);
  expect(await memory.commit(leadership.current(), { services: { api: aService({ registrations: 2 }) } })).toBeNull();
  const aside = await coordination.loadMemory("set-aside/");
  expect(aside.map(({ text }) => text)).toEqual(["{ not json"]);
  expect(memory.setAside().map(({ key }) => key)).toEqual([aside[0]!.key]);
});
