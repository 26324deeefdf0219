import { describe, expect, it } from "vitest";
import type { AllServices } from "../../../src/adapters/consul/read-all.ts";
import { openServiceReads } from "../../../src/adapters/consul/service-reads.ts";
import type { Registration } from "../../../src/model/instance.ts";
import { fakeClock } from "../../loop/support/fake-clock.ts";
import { aRegistration } from "../../builders/world.ts";

const about = { index: 7, knownLeader: true, lastContactMs: 0, filtered: false };
const single: readonly Registration[] = [];

/** Reads that end when the test lets them; `everything` is what reading all of it finds. */
function opened(everything: () => Promise<AllServices | null>) {
  const clock = fakeClock();
  const alone: { readonly name: string; readonly end: () => void }[] = [];
  const readsOfAll: number[] = [];
  const read = openServiceReads({
    one: (name) => new Promise((resolve) => void alone.push({ name, end: () => resolve({ ...about, value: single }) })),
    all: (nodesMax) => {
      readsOfAll.push(nodesMax);
      return everything();
    },
    clock,
  });
  /** As many turns of the event loop as it takes to see that no more are asked for. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const endAll = async (): Promise<void> => {
    await settle();
    for (let ended = 0; ended < alone.length; ended += 1) {
      alone[ended]?.end();
      await settle();
    }
  };
  return { read, clock, alone, readsOfAll, settle, endAll };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `web${at}`);
const found = [aRegistration("web", "heal.live.web.1.1", 1)];
const everyone = async (): Promise<AllServices> => ({
  ...about,
  value: new Map(names(400).map((name) => [name, found])),
});

describe("reading services", () => {
  it("reads one by itself and at once", async () => {
    const { read, alone, readsOfAll, settle, endAll } = opened(everyone);
    const answer = read("web");
    await settle();
    expect(alone.map(({ name }) => name)).toEqual(["web"]);
    await endAll();
    expect((await answer).value).toBe(single);
    expect(readsOfAll).toEqual([]);
  });

  it("answers those of hundreds that must wait from one reading of everything, begun after they were asked for", async () => {
    const { read, alone, readsOfAll, settle, endAll } = opened(everyone);
    const answers = names(200).map((name) => read(name));
    await settle();
    expect([alone.length, readsOfAll]).toEqual([8, [192 / 4]]);
    await endAll();
    const values = (await Promise.all(answers)).map(({ value }) => value);
    expect(values.slice(0, 8).every((value) => value === single)).toBe(true);
    expect(values.slice(8).every((value) => value === found)).toBe(true);
  });

  it("waits for those that come a few in each turn of the event loop, and reads everything once for all of them", async () => {
    const { read, alone, readsOfAll, settle } = opened(everyone);
    const answers: Promise<unknown>[] = [];
    for (let from = 0; from < 200; from += 25) {
      answers.push(
        ...names(200)
          .slice(from, from + 25)
          .map((name) => read(name)),
      );
      await new Promise((resolve) => setImmediate(resolve));
    }
    await settle();
    expect([alone.length, readsOfAll]).toEqual([8, [192 / 4]]);
    for (const { end } of alone) end();
    await Promise.all(answers);
  });

  it("gathers what is asked for while everything is read, and reads everything once more for it", async () => {
    let end = (): void => undefined;
    const slowly = () => new Promise<AllServices>((resolve) => (end = () => void everyone().then(resolve)));
    const { read, clock, alone, readsOfAll, settle } = opened(slowly);
    const first = names(100).map((name) => read(name));
    await settle();
    for (const { end: answer } of alone) answer();
    await settle();
    expect(readsOfAll).toEqual([23]);
    await clock.advance(1);
    const later = names(300)
      .slice(100)
      .map((name) => read(name));
    await settle();
    for (const { end: answer } of alone) answer();
    await settle();
    expect([alone.length, readsOfAll]).toEqual([16, [23]]);
    end();
    await settle();
    expect(readsOfAll).toEqual([23, 48]);
    end();
    expect(await Promise.all([...first, ...later])).toHaveLength(300);
    expect(alone).toHaveLength(16);
  });

  it("answers from one reading whatever may be as old as that, while it is under way and for seconds after", async () => {
    let end = (): void => undefined;
    const slowly = () => new Promise<AllServices>((resolve) => (end = () => void everyone().then(resolve)));
    const { read, clock, alone, readsOfAll, settle, endAll } = opened(slowly);
    const hintedAtMs = clock.steadyMs();
    const first = names(100).map((name) => read(name, hintedAtMs));
    await endAll();
    await clock.advance(1);
    const meanwhile = names(200).map((name) => read(name, hintedAtMs));
    await settle();
    end();
    const [{ asOfMs, value } = { asOfMs: null, value: [] }] = (await Promise.all([...first, ...meanwhile])).slice(-1);
    expect([asOfMs, value]).toEqual([hintedAtMs, found]);
    await clock.advance(4_000);
    await Promise.all(names(300).map((name) => read(name, hintedAtMs)));
    expect([alone.length, readsOfAll.length]).toEqual([8, 1]);
    await clock.advance(1_001);
    void read("web0", hintedAtMs);
    expect(alone).toHaveLength(9);
  });

  it("reads at once what has changed since a reading of everything began, without waiting for that", async () => {
    const { read, clock, alone, settle, endAll } = opened(() => new Promise(() => undefined));
    const waiting = names(100).map((name) => read(name, clock.steadyMs()));
    await endAll();
    await clock.advance(1);
    const changed = read("web0", clock.steadyMs());
    await settle();
    expect(alone).toHaveLength(9);
    alone[8]?.end();
    expect((await changed).value).toBe(single);
    expect(waiting).toHaveLength(100);
  });

  it("reads by itself what was not found among everything", async () => {
    const { read, alone, endAll } = opened(everyone);
    const answers = [...names(150), "moved"].map((name) => read(name));
    await endAll();
    await Promise.all(answers);
    expect(alone.slice(8).map(({ name }) => name)).toEqual(["moved"]);
  });

  it.each([
    ["everything cannot be read", async () => Promise.reject(new Error("no quorum"))],
    ["there are too many nodes", async () => null],
  ])("reads each by itself when %s", async (_name, everything) => {
    const { read, alone, endAll } = opened(everything);
    const answers = names(200).map((name) => read(name));
    await endAll();
    await Promise.all(answers);
    expect(alone).toHaveLength(200);
  });

  it("does not read everything for a small part of what there is", async () => {
    const { read, clock, alone, readsOfAll, endAll } = opened(everyone);
    const start = names(400).map((name) => read(name));
    await endAll();
    await Promise.all(start);
    const readBefore = alone.length;
    await clock.advance(1);
    const resync = names(90).map((name) => read(name));
    await endAll();
    await Promise.all(resync);
    expect([alone.length - readBefore, readsOfAll.length]).toEqual([90, 1]);
  });

  it("does not read everything for a few", async () => {
    const { read, alone, readsOfAll, endAll } = opened(everyone);
    const answers = names(71).map((name) => read(name));
    await endAll();
    await Promise.all(answers);
    expect([alone.length, readsOfAll]).toEqual([71, []]);
  });
});
