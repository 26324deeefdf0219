import { describe, expect, it, onTestFinished } from "vitest";
import { watchRegistry } from "../../../src/adapters/consul/watch.ts";
import type { Answer, NodeService, NotPassing, Registry } from "../../../src/ports/registry.ts";
import { RegistryError } from "../../../src/ports/registry.ts";
import { fakeClock } from "../../loop/support/fake-clock.ts";

/** The part of a registry that is watched, changed by hand. */
function aRegistry() {
  const services = new Map<string, Map<string, NodeService>>([
    ["n1", new Map()],
    ["n2", new Map()],
  ]);
  const checks: Record<"critical" | "warning", NotPassing[]> = { critical: [], warning: [] };
  const indexes = { critical: 5, warning: 5, names: 5 };
  const waiting = new Set<() => void>();
  let index = 10;
  let failure: RegistryError | null = null;
  let nodeReads = 0;

  const answer = <T>(value: T, at: number): Answer<T> => ({
    value,
    index: at,
    knownLeader: true,
    lastContactMs: 0,
    filtered: false,
  });
  async function blocking<T>(
    topic: keyof typeof indexes,
    value: () => T,
    from: number | undefined,
  ): Promise<Answer<T>> {
    await Promise.resolve();
    const isNews = (): boolean => failure !== null || from !== indexes[topic];
    while (!isNews()) await new Promise<void>((resolve) => waiting.add(resolve));
    if (failure !== null) throw failure;
    return answer(value(), indexes[topic]);
  }
  const wake = (): void => {
    for (const one of waiting) one();
    waiting.clear();
  };
  const move = (topic: keyof typeof indexes): void => {
    indexes[topic] = index += 1;
    wake();
  };

  const registry = {
    readNotPassing: (state, { index: from }) => blocking(state, () => [...checks[state]], from),
    readServiceNames: ({ index: from }) =>
      blocking(
        "names",
        () => [...new Set([...services.values()].flatMap((all) => [...all.values()].map((one) => one.serviceName)))],
        from,
      ),
    async readNodes() {
      if (failure !== null) throw failure;
      nodeReads += 1;
      return answer(
        [...services.keys()].map((node) => ({ node, address: "", status: "passing" as const })),
        1,
      );
    },
    async readNodeServices(node) {
      if (failure !== null) throw failure;
      return answer([...(services.get(node)?.values() ?? [])], 1);
    },
  } satisfies Partial<Registry> as unknown as Registry;

  return {
    registry,
    register(node: string, id: string, serviceName: string) {
      services.get(node)!.set(id, { id, serviceName, modifyIndex: index + 1 });
      move("names");
    },
    deregister(node: string, id: string) {
      services.get(node)!.delete(id);
      move("names");
    },
    setCheck(state: "critical" | "warning", node: string, serviceName: string | null, on: boolean) {
      const checkId = serviceName === null ? "serfHealth" : `service:${serviceName}.1`;
      checks[state] = checks[state].filter((one) => one.node !== node || one.checkId !== checkId);
      if (on) checks[state].push({ node, checkId, serviceName, serviceId: serviceName });
      move(state);
    },
    /** Writes that concern nobody. */
    moveAll: () => (["critical", "warning", "names"] as const).forEach(move),
    fail(error: RegistryError | null) {
      failure = error;
      if (error !== null) wake();
    },
    nodeReads: () => nodeReads,
  };
}

async function watching(prepare: (fake: ReturnType<typeof aRegistry>) => void = () => undefined) {
  const clock = fakeClock();
  const fake = aRegistry();
  prepare(fake);
  const stop = new AbortController();
  const told: (string | readonly string[])[] = [];
  const done = watchRegistry(
    { registry: fake.registry, clock, random: { next: () => 0.5, uuid: () => "" } },
    {
      onHint: (services) => told.push(services === "all" ? "all" : services.toSorted()),
      onTrouble: (reason) => told.push(`trouble: ${reason}`),
      onRecovered: () => told.push("recovered"),
    },
    { signal: stop.signal },
  );
  onTestFinished(async () => {
    stop.abort();
    fake.fail(new RegistryError("unclear", "over"));
    await clock.advance(10_000);
    await done;
  });
  await clock.advance(1_000);
  return { clock, told, ...fake };
}

describe("watching by exception", () => {
  it("hints at everything once, when nothing can be missed any more", async () => {
    const { told } = await watching(({ register }) => register("n1", "web.1", "web"));
    expect(told).toEqual(["all"]);
  });

  it("hints at a service whose check turns critical, and again when it recovers", async () => {
    const { clock, told, setCheck } = await watching(({ register }) => register("n1", "web.1", "web"));
    setCheck("critical", "n1", "web", true);
    await clock.advance(10);
    setCheck("critical", "n1", "web", false);
    await clock.advance(10);
    expect(told).toEqual(["all", ["web"], ["web"]]);
  });

  it("hints only at the services concerned", async () => {
    const { clock, told, setCheck } = await watching(({ register, setCheck }) => {
      for (const name of ["web", "api", "db"]) register("n1", `${name}.1`, name);
      setCheck("warning", "n1", "db", true);
    });
    setCheck("warning", "n1", "api", true);
    await clock.advance(10);
    expect(told).toEqual(["all", ["api"]]);
  });

  it("hints at a service of which a passing instance vanished, came or was registered otherwise", async () => {
    const { clock, told, register, deregister } = await watching(({ register }) => {
      register("n1", "web.1", "web");
      register("n2", "web.2", "web");
      register("n2", "api.1", "api");
    });
    deregister("n2", "web.2");
    await clock.advance(1_000);
    register("n1", "api.2", "api");
    await clock.advance(1_000);
    register("n1", "web.1", "web");
    await clock.advance(1_000);
    expect(told).toEqual(["all", ["web"], ["api"], ["web"]]);
  });

  it("hints at everything on a node whose own check changes", async () => {
    const { clock, told, setCheck } = await watching(({ register }) => {
      register("n1", "web.1", "web");
      register("n1", "db.1", "db");
      register("n2", "api.1", "api");
    });
    setCheck("critical", "n1", null, true);
    await clock.advance(10);
    expect(told).toEqual(["all", ["db", "web"]]);
  });

  it("hints at nothing for writes that concern nobody", async () => {
    const { clock, told, moveAll } = await watching(({ register }) => register("n1", "web.1", "web"));
    for (let n = 0; n < 100; n += 1) {
      moveAll();
      await clock.advance(37);
    }
    expect(told).toEqual(["all"]);
  });

  it("looks at the membership seldom, however often it changes, and misses nothing", async () => {
    const { clock, told, register, nodeReads } = await watching();
    const before = nodeReads();
    for (let n = 0; n < 1_000; n += 1) {
      register("n1", `s${n}.1`, `s${n}`);
      await clock.advance(2);
    }
    await clock.advance(1_000);
    expect(nodeReads() - before).toBeLessThanOrEqual(3_000 / 200 + 1);
    expect(new Set(told.slice(1).flat()).size).toBe(1_000);
  });

  it("tells of trouble once for all its sources, and when the last one is over it", async () => {
    const { clock, told, fail, setCheck } = await watching(({ register }) => register("n1", "web.1", "web"));
    fail(new RegistryError("no-leader", "No cluster leader"));
    await clock.advance(30_000);
    expect(told).toEqual(["all", "trouble: No cluster leader"]);
    fail(null);
    setCheck("critical", "n1", "web", true);
    await clock.advance(10_000);
    expect(told.slice(0, 2)).toEqual(["all", "trouble: No cluster leader"]);
    expect(told.slice(2).toSorted()).toEqual(["recovered", ["web"]].toSorted());
  });

  it("waits for all its sources before it hints at everything, when it begins in trouble", async () => {
    const { clock, told, fail } = await watching(({ fail }) => fail(new RegistryError("unreachable", "refused")));
    expect(told).toEqual(["trouble: refused"]);
    fail(null);
    await clock.advance(10_000);
    expect(told).toContain("all");
    expect(told).toContain("recovered");
    expect(told).toHaveLength(3);
  });
});
