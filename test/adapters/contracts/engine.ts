import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { LABEL } from "../../../src/model/labels.ts";
import type { Container } from "../../../src/model/instance.ts";
import type { ContainerTemplate } from "../../../src/model/service.ts";
import { aTemplate } from "../../builders/template.ts";
import type {
  ContainerFilter,
  Creation,
  Engine,
  EngineError,
  EngineEvent,
  MayGoOn,
} from "../../../src/ports/engine.ts";

export interface EngineUnderTest {
  readonly engine: Engine;
  /** An image whose container listens on 8080 until it is stopped. */
  readonly image: string;
  readonly missingImage: string;
  /** What happens to containers by other hands. `crash` ends the process with a code that is not 0. */
  crash(id: string): Promise<void>;
  startAgain(id: string): Promise<void>;
  pause(id: string): Promise<void>;
  unpause(id: string): Promise<void>;
  /** Starts a container that carries no label at all; gives its id. */
  startForeign(name: string): Promise<string>;
  /** Lets time pass for the engine: really, or on the simulator's clock. */
  pass(ms: number): Promise<void>;
  /** The clock on which containers' times are told. */
  nowMs(): number;
  close(): Promise<void>;
}

/** Registers the tests that every `Engine` passes. */
export function engineContract(kind: string, open: () => Promise<EngineUnderTest>): void {
  describe(`${kind} as an engine`, () => {
    const run = Math.random().toString(36).slice(2, 8);
    const environment = `contract-${run}`;
    let names = 0;
    let under: EngineUnderTest;
    let engine: Engine;

    beforeAll(async () => {
      under = await open();
      engine = under.engine;
    });
    afterAll(() => under.close());

    const everything: ContainerFilter = { environment, service: null, composeProjects: [], swarmServices: [] };
    const aService = (): string => `s${(names += 1)}`;

    function aCreation(service: string, changes: Partial<ContainerTemplate> = {}, slot = 1): Creation {
      return {
        name: `heal.${environment}.${service}.${slot}.2`,
        slot,
        environment: { GREETING: "hello" },
        labels: {
          [LABEL.environment]: environment,
          [LABEL.service]: service,
          [LABEL.slot]: String(slot),
          [LABEL.generation]: "2",
          [LABEL.specHash]: "abc",
          [LABEL.sequencer]: "s@1",
        },
        template: aTemplate(under.image, { ports: [], ...changes }),
      };
    }

    async function started(creation: Creation, mayGoOn?: MayGoOn): Promise<Container> {
      onTestFinished(async () => {
        const left = await engine.inspect(creation.name);
        if (left !== null) await engine.remove(left.id);
      });
      return engine.start(creation, mayGoOn);
    }

    async function seen(id: string): Promise<Container> {
      const container = await engine.inspect(id);
      if (container === null) throw new Error(`${id} is gone`);
      return container;
    }

    async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
      for (let tries = 0; tries < 400; tries += 1) {
        if (await holds()) return;
        await under.pass(25);
      }
      throw new Error(`never seen: ${what}`);
    }

    /** Collects the events of one container from before the test acts until it ends. */
    async function following(name: string): Promise<{ events: EngineEvent[]; stop: () => Promise<unknown> }> {
      const abort = new AbortController();
      const events: EngineEvent[] = [];
      let opened = false;
      const followed = engine.follow(
        abort.signal,
        () => (opened = true),
        (event) => void (event.name === name && events.push(event)),
      );
      const stop = (): Promise<unknown> => {
        abort.abort();
        return followed;
      };
      onTestFinished(async () => void (await stop()));
      await until("an open event stream", () => opened);
      return { events, stop };
    }

    const kindsOf = (events: readonly EngineEvent[]): string => events.map((event) => event.kind).join(" ");
    const failure = (doing: Promise<unknown>): Promise<string> =>
      doing.then(
        () => "no failure",
        (error: EngineError) => error.kind,
      );

    it("says who it is, and the same each time", async () => {
      const identity = await engine.ping();
      expect(identity.id).not.toBe("");
      expect(await engine.ping()).toEqual(identity);
      expect(await engine.ping("anew")).toEqual(identity);
    });

    describe("start", () => {
      it("gives the running container with all that its labels say", async () => {
        const service = aService();
        const before = under.nowMs();
        const creation = aCreation(service);
        const container = await started(creation);
        expect(container).toMatchObject({
          name: creation.name,
          host: engine.host,
          service,
          slot: 1,
          generation: 2,
          specHash: "abc",
          state: "running",
          exitCode: null,
          finishedAtMs: null,
          restartsItself: false,
          compose: null,
          swarmTaskId: null,
          swarmServiceName: null,
        });
        // An engine may tell times in whole seconds.
        expect(container.createdAtMs).toBeGreaterThanOrEqual(before - 3_000);
        expect(container.startedAtMs).toBeGreaterThanOrEqual(container.createdAtMs);
        expect(container.startedAtMs).toBeLessThanOrEqual(under.nowMs() + 3_000);
      });

      it("gives the same picture as an inspection by id, by name, and a list", async () => {
        const service = aService();
        const container = await started(aCreation(service));
        expect(await engine.inspect(container.id)).toEqual(container);
        expect(await engine.inspect(container.name)).toEqual(container);
        expect(await engine.list({ ...everything, service })).toEqual([container]);
      });

      it("collides with whatever has the name, running or ended, and leaves it alone", async () => {
        const creation = aCreation(aService());
        const container = await started(creation);
        expect(await failure(engine.start(creation))).toBe("name-taken");
        await engine.stop(container.id, 0);
        expect(await failure(engine.start(creation))).toBe("name-taken");
        expect((await seen(creation.name)).id).toBe(container.id);
        await engine.remove(container.id);
        expect((await engine.start(creation)).id).not.toBe(container.id);
      });

      it("makes one container of several competing starts", async () => {
        const service = aService();
        const creation = aCreation(service);
        const outcomes = await Promise.all([failure(started(creation)), failure(engine.start(creation))]);
        expect(outcomes.sort()).toEqual(["name-taken", "no failure"]);
        expect(await engine.list({ ...everything, service })).toHaveLength(1);
      });

      it("sends no start any more when it may not go on after the creation, and leaves that to the next look", async () => {
        const creation = aCreation(aService());
        let asked = 0;
        const onlyOnce = (): void => {
          asked += 1;
          if (asked > 1) throw new Error("not any more");
        };
        await expect(started(creation, onlyOnce)).rejects.toThrow("not any more");
        expect((await seen(creation.name)).state).toBe("created");
      });

      it("creates at once, and does not start before it may", async () => {
        const creation = aCreation(aService());
        let allow = (): void => undefined;
        const allowed = new Promise<void>((resolve) => (allow = resolve));
        const starting = started(creation, (next) => (next === "start" ? allowed : undefined));
        await until("a created container", async () => (await engine.inspect(creation.name)) !== null);
        await under.pass(300);
        expect((await seen(creation.name)).state).toBe("created");
        allow();
        await until("a running container", async () => (await seen(creation.name)).state === "running");
        await starting;
      });

      it("leaves as it was created what may not be started, to be made anew under its name", async () => {
        const creation = aCreation(aService());
        const refusal = new Error("Memory was not written");
        const refusing: MayGoOn = (next) => (next === "start" ? Promise.reject(refusal) : undefined);
        const starting = started(creation, refusing).catch((error: unknown) => error);
        await until("a created container", async () => (await engine.inspect(creation.name)) !== null);
        await under.pass(300);
        expect(await starting).toBe(refusal);
        const left = await seen(creation.name);
        expect(left.state).toBe("created");
      });

      it("is refused without the image, and leaves nothing behind", async () => {
        const service = aService();
        expect(await failure(started(aCreation(service, { image: under.missingImage })))).toBe("refused");
        expect(await engine.list({ ...everything, service })).toEqual([]);
      });

      it("publishes a port without a number on a free one, a different one each", async () => {
        const service = aService();
        const ports = [{ container: 8080, host: null, hostIp: null, protocol: "tcp" }] as const;
        const one = await started(aCreation(service, { ports }, 1));
        const other = await started(aCreation(service, { ports }, 2));
        const hostPort = (container: Container): number | undefined =>
          container.ports.find((port) => port.container === 8080)?.host;
        expect(hostPort(one)).toBeGreaterThan(0);
        expect(hostPort(other)).toBeGreaterThan(0);
        expect(hostPort(one)).not.toBe(hostPort(other));
      });
    });

    describe("list", () => {
      it("holds the environment's containers and nobody else's", async () => {
        const [one, other] = [aService(), aService()];
        const first = await started(aCreation(one));
        const second = await started(aCreation(other));
        const foreign = await under.startForeign(`foreign-${run}`);
        onTestFinished(() => engine.remove(foreign));
        const ids = async (filter: Partial<ContainerFilter>): Promise<string[]> =>
          (await engine.list({ ...everything, ...filter })).map((container) => container.id).sort();
        expect(await ids({})).toEqual([first.id, second.id].sort());
        expect(await ids({ service: one })).toEqual([first.id]);
        expect(await ids({ environment: `${environment}-other` })).toEqual([]);
      });

      it("holds containers that have ended, too", async () => {
        const service = aService();
        const container = await started(aCreation(service));
        await engine.stop(container.id, 0);
        expect(await engine.list({ ...everything, service })).toEqual([await seen(container.id)]);
        expect(await seen(container.id)).toMatchObject({ state: "exited", address: null });
      });

      it("follows a container through its states", async () => {
        const service = aService();
        const container = await started(aCreation(service));
        const listed = async (): Promise<Container | undefined> => (await engine.list({ ...everything, service }))[0];
        await under.pause(container.id);
        expect(await listed()).toMatchObject({ state: "paused" });
        await under.unpause(container.id);
        expect(await listed()).toEqual(container);
        await under.crash(container.id);
        await until("its end", async () => (await listed())?.state === "exited");
        expect(await listed()).toEqual(await seen(container.id));
        await under.startAgain(container.id);
        expect(await listed()).toEqual(await seen(container.id));
        await engine.remove(container.id);
        expect(await listed()).toBeUndefined();
      });
    });

    describe("a container that ends by itself", () => {
      it("is exited, with its code and its time", async () => {
        const container = await started(aCreation(aService()));
        await under.crash(container.id);
        await until("its end", async () => (await seen(container.id)).state === "exited");
        const ended = await seen(container.id);
        expect(ended.exitCode).toBeGreaterThan(0);
        expect(ended.finishedAtMs).toBeGreaterThanOrEqual(ended.startedAtMs ?? Number.NaN);
        expect(ended.startedAtMs).toBe(container.startedAtMs);
      });

      it("can be started again by other hands", async () => {
        const container = await started(aCreation(aService()));
        await under.crash(container.id);
        await until("its end", async () => (await seen(container.id)).state === "exited");
        await under.startAgain(container.id);
        const again = await seen(container.id);
        expect(again).toMatchObject({ id: container.id, state: "running", exitCode: null, finishedAtMs: null });
        expect(again.startedAtMs).toBeGreaterThan(container.startedAtMs ?? Number.NaN);
      });
    });

    describe("a container that restarts itself", () => {
      it("comes back after a crash, and stays down when it is stopped", async () => {
        const container = await started(aCreation(aService(), { restart: "always" }));
        expect(container.restartsItself).toBe(true);
        await under.crash(container.id);
        const isBack = async (): Promise<boolean> => {
          const { state, startedAtMs } = await seen(container.id);
          return state === "running" && startedAtMs !== container.startedAtMs;
        };
        await until("its return", isBack);
        await engine.stop(container.id, 0);
        await under.pass(500);
        expect(await seen(container.id)).toMatchObject({ state: "exited" });
      });
    });

    describe("stop and remove", () => {
      it("work on a paused container, too", async () => {
        const stopped = await started(aCreation(aService()));
        await under.pause(stopped.id);
        await engine.stop(stopped.id, 1_000);
        expect(await seen(stopped.id)).toMatchObject({ state: "exited" });
        const removed = await started(aCreation(aService()));
        await under.pause(removed.id);
        await engine.remove(removed.id);
        expect(await engine.inspect(removed.id)).toBeNull();
      });

      it("stop what runs, and find nothing wrong with what is stopped or gone", async () => {
        const container = await started(aCreation(aService()));
        await engine.stop(container.id, 1_000);
        expect(await seen(container.id)).toMatchObject({ state: "exited" });
        await engine.stop(container.id, 1_000);
        await engine.remove(container.id);
        await engine.stop(container.id, 1_000);
        expect(await engine.inspect(container.id)).toBeNull();
      });

      it("remove what runs, and find nothing wrong with what is gone", async () => {
        const container = await started(aCreation(aService()));
        await Promise.all([engine.remove(container.id), engine.remove(container.id)]);
        expect(await engine.inspect(container.name)).toBeNull();
        await engine.remove(container.id);
      });
    });

    describe("follow", () => {
      it("tells each thing that happens to a container, once and in order", async () => {
        const creation = aCreation(aService());
        const { events } = await following(creation.name);
        const container = await started(creation);
        await under.pause(container.id);
        await under.unpause(container.id);
        await under.crash(container.id);
        await until("its death", () => kindsOf(events).endsWith("died"));
        await engine.remove(container.id);
        await until("its removal", () => kindsOf(events).endsWith("removed"));
        expect(kindsOf(events)).toBe("started paused unpaused died removed");
        expect(events.every((event) => event.containerId === container.id)).toBe(true);
        expect(events[0]?.labels).toMatchObject(creation.labels);
        expect(events[3]?.exitCode).toBeGreaterThan(0);
        expect(events[0]?.exitCode).toBeNull();
      });

      it("ends when it is told to, and says nothing afterwards", async () => {
        const creation = aCreation(aService());
        const { events, stop } = await following(creation.name);
        expect(await stop()).toBeUndefined();
        await started(creation);
        await under.pass(200);
        expect(events).toEqual([]);
      });

      it("does not begin when it was told to end before", async () => {
        const nothing = (): never => {
          throw new Error("it began");
        };
        expect(await engine.follow(AbortSignal.abort(), nothing, nothing)).toBeUndefined();
      });
    });
  });
}
