import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { LABEL } from "../../../src/model/labels.ts";
import type { ContainerTemplate } from "../../../src/model/service.ts";
import type { EngineError } from "../../../src/ports/engine.ts";
import type { Swarm, SwarmCreation, SwarmService } from "../../../src/ports/swarm.ts";
import { aService } from "../../builders/service.ts";
import { aTemplate } from "../../builders/template.ts";

export interface SwarmUnderTest {
  readonly swarm: Swarm;
  /** An image whose container runs until it is stopped. */
  readonly image: string;
  /** What happens to services by other hands: anything that moves the version but neither count nor labels. */
  edit(name: string): Promise<void>;
  remove(name: string): Promise<void>;
  startGlobal(name: string): Promise<void>;
  /** Lets time pass for the Swarm: really, or on the simulator's clock. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** Registers the tests that every `Swarm` passes. */
export function swarmContract(kind: string, open: () => Promise<SwarmUnderTest>): void {
  describe(`${kind} as a Swarm`, () => {
    const run = Math.random().toString(36).slice(2, 8);
    let names = 0;
    let under: SwarmUnderTest;
    let swarm: Swarm;

    beforeAll(async () => {
      under = await open();
      swarm = under.swarm;
    });
    afterAll(() => under.close());

    const aName = (): string => `contract-${run}-${(names += 1)}`;

    function aCreation(name: string, replicas: number, changes: Partial<ContainerTemplate> = {}): SwarmCreation {
      return {
        name,
        replicas,
        service: aService(name, { runtime: "swarm", container: aTemplate(under.image, changes) }),
        environment: { GREETING: "hello" },
        labels: { [LABEL.service]: name, [LABEL.specHash]: "abc" },
      };
    }

    async function created(creation: SwarmCreation): Promise<SwarmService> {
      onTestFinished(async () => {
        if ((await swarm.find(creation.name)) !== null) await under.remove(creation.name);
      });
      await swarm.create(creation);
      return settled(creation.name);
    }

    /** Swarm itself moves the version on once or twice after a creation, when it has allocated what the service needs. */
    async function settled(name: string): Promise<SwarmService> {
      let service = await found(name);
      await until("a version that stays", async () => {
        await under.pass(100);
        const before = service;
        service = await found(name);
        return service.version === before.version;
      });
      return service;
    }

    async function found(name: string): Promise<SwarmService> {
      const service = await swarm.find(name);
      if (service === null) throw new Error(`${name} is gone`);
      return service;
    }

    async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
      for (let tries = 0; tries < 600; tries += 1) {
        if (await holds()) return;
        await under.pass(50);
      }
      throw new Error(`never seen: ${what}`);
    }

    const running = async (name: string) =>
      (await swarm.tasks(name)).filter((task) => task.state === "running" && task.desiredState === "running");

    const failure = (doing: Promise<unknown>): Promise<string> =>
      doing.then(
        () => "no failure",
        (error: EngineError) => error.kind,
      );

    it("lists its nodes", async () => {
      const nodes = await swarm.nodes();
      expect(nodes.length).toBeGreaterThan(0);
      for (const node of nodes) expect(node).toMatchObject({ state: "ready", availability: "active" });
    });

    describe("find", () => {
      it("gives nothing for a name that nobody has, also when another begins with it", async () => {
        const name = aName();
        await created(aCreation(`${name}-long`, 0));
        expect(await swarm.find(name)).toBeNull();
        expect(await swarm.tasks(name)).toEqual([]);
      });

      it("gives what was created, and the list holds it too", async () => {
        const name = aName();
        const service = await created(aCreation(name, 0));
        expect(service).toMatchObject({
          name,
          mode: "replicated",
          replicas: 0,
          labels: { [LABEL.service]: name, [LABEL.specHash]: "abc" },
          updating: false,
        });
        expect((await swarm.list()).find(({ id }) => id === service.id)).toEqual(service);
      });

      it("tells a global service from a replicated one", async () => {
        const name = aName();
        await under.startGlobal(name);
        onTestFinished(() => under.remove(name));
        expect(await swarm.find(name)).toMatchObject({ mode: "global" });
      });
    });

    describe("create", () => {
      it("brings as many tasks to run as were asked for, each on a node with a container of its own", async () => {
        const name = aName();
        await created(aCreation(name, 2));
        await until("two running tasks", async () => (await running(name)).length === 2);
        const tasks = await running(name);
        const nodes = (await swarm.nodes()).map((node) => node.id);
        expect(tasks.every((task) => nodes.includes(task.nodeId ?? ""))).toBe(true);
        expect(new Set(tasks.map((task) => task.containerId)).size).toBe(2);
        expect(tasks.every((task) => task.containerId !== null)).toBe(true);
      });

      it("collides with a service of the same name and leaves it alone", async () => {
        const creation = aCreation(aName(), 0);
        const service = await created(creation);
        expect(await failure(swarm.create({ ...creation, replicas: 3 }))).toBe("name-taken");
        expect(await found(creation.name)).toEqual(service);
      });

      it("refuses what a Swarm cannot do instead of leaving it out", async () => {
        const creation = aCreation(aName(), 0, { privileged: true });
        expect(await failure(swarm.create(creation))).toBe("refused");
        expect(await swarm.find(creation.name)).toBeNull();
      });
    });

    describe("scale", () => {
      it("changes the count and nothing else, and the tasks follow", async () => {
        const name = aName();
        const service = await created(aCreation(name, 1));
        await swarm.scale(service.id, service.version, 2);
        const scaled = await found(name);
        expect(scaled).toEqual({ ...service, version: scaled.version, replicas: 2 });
        expect(scaled.version).not.toBe(service.version);
        await until("two running tasks", async () => (await running(name)).length === 2);
        await swarm.scale(service.id, (await found(name)).version, 0);
        await until("no running task", async () => (await running(name)).length === 0);
      });

      it("is a conflict when the service was changed since, and changes nothing", async () => {
        const name = aName();
        const service = await created(aCreation(name, 0));
        await under.edit(name);
        expect(await failure(swarm.scale(service.id, service.version, 5))).toBe("conflict");
        expect(await found(name)).toMatchObject({ replicas: 0 });
      });

      it("lets one of several competing calls through", async () => {
        const service = await created(aCreation(aName(), 0));
        const outcomes = await Promise.all([
          failure(swarm.scale(service.id, service.version, 1)),
          failure(swarm.scale(service.id, service.version, 2)),
        ]);
        expect(outcomes.sort()).toEqual(["conflict", "no failure"]);
      });

      it("is refused for a service that is gone, and for a global one", async () => {
        const gone = await created(aCreation(aName(), 0));
        await under.remove(gone.name);
        expect(await failure(swarm.scale(gone.id, gone.version, 1))).toBe("refused");
        const name = aName();
        await under.startGlobal(name);
        onTestFinished(() => under.remove(name));
        const global = await found(name);
        expect(await failure(swarm.scale(global.id, global.version, 1))).toBe("refused");
      });
    });

    describe("follow", () => {
      it("names each service that is made, changed or removed, until it is told to end", async () => {
        const abort = new AbortController();
        const changed: (string | null)[] = [];
        let opened = false;
        const followed = swarm.follow(
          abort.signal,
          () => (opened = true),
          (name) => changed.push(name),
        );
        await until("an open event stream", () => opened);
        const name = aName();
        const toldOf = (): number => changed.filter((one) => one === name).length;
        const service = await created(aCreation(name, 0));
        await until("its creation", () => toldOf() >= 1);
        const before = toldOf();
        await swarm.scale(service.id, service.version, 1);
        await until("its change", () => toldOf() > before);
        await until("its task", async () => (await running(name)).length === 1);
        const settled = toldOf();
        await under.remove(name);
        await until("its removal", () => toldOf() > settled);
        abort.abort();
        expect(await followed).toBeUndefined();
      });
    });
  });
}
