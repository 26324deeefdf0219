import { LABEL } from "../../src/model/labels.ts";
import type { Container } from "../../src/model/instance.ts";
import { EngineError } from "../../src/ports/engine.ts";
import type { ContainerFilter, Creation, Engine, EngineEvent } from "../../src/ports/engine.ts";
import { describe, isUp } from "./container.ts";
import type { TrueContainer } from "./container.ts";
import type { Machine } from "./machine.ts";
import type { Naps, Question } from "./naps.ts";
import type { Network } from "./network.ts";
import { EPOCH_MS } from "./process.ts";
import type { Process } from "./process.ts";
import { swarmNodeId } from "./swarm-cluster.ts";
import type { Truth } from "./truth.ts";
import { ask, order } from "./wire.ts";
import type { Call, Line, Weather } from "./wire.ts";

export interface SimulatedEngineDeps {
  readonly process: Process;
  readonly machine: Machine;
  readonly network: Network;
  readonly weather: EngineWeather;
  readonly witness: EngineWitness;
  /** Pings are left out while all is well. */
  readonly pings?: Pings;
  /** What `cp` does within a container: whether it found anything to copy. */
  readonly copyAside?: (container: TrueContainer) => boolean;
}

export interface Pings {
  readonly naps: Naps;
  readonly truth: Pick<Truth, "answersAll">;
}

/** Faults of the event stream: asked once per event. */
export interface EngineWeather extends Weather {
  eventFate(process: Process, machine: string): "normal" | "lost" | "delayed";
}

/** Hears of everything a controller asks an engine to change (when it is sent, and when it takes effect) and of looks that succeeded. */
export interface EngineWitness {
  sent(process: Process, what: EngineChange): void;
  /** Right before it takes effect: what is taken away is still there. */
  taking(process: Process, what: EngineChange): void;
  took(process: Process, what: EngineChange): void;
  /** A change whose outcome the caller was not told. */
  unclear(process: Process, what: EngineChange): void;
  /** A change that was certainly not made, as the caller has just been told. */
  refused(process: Process, what: EngineChange): void;
  looked(process: Process, machine: string): void;
}

export type EngineChange =
  | { readonly kind: "create"; readonly machine: string; readonly creation: Creation }
  | {
      readonly kind: "start" | "stop" | "remove";
      readonly machine: string;
      readonly container: TrueContainer;
      readonly graceMs?: number;
    };

/** The real adapter's own deadlines. */
const calls = {
  ping: { name: "engine.ping", mutates: false, deadlineMs: 10_000 },
  list: { name: "engine.list", mutates: false, deadlineMs: 10_000 },
  inspect: { name: "engine.inspect", mutates: false, deadlineMs: 5_000 },
  output: { name: "engine.output", mutates: false, deadlineMs: 10_000 },
  run: { name: "engine.run", mutates: true, deadlineMs: 10_000 },
  follow: { name: "engine.follow", mutates: false, deadlineMs: 5_000 },
  create: { name: "engine.create", mutates: true, deadlineMs: 30_000 },
  start: { name: "engine.start", mutates: true, deadlineMs: 30_000 },
  stop: { name: "engine.stop", mutates: true, deadlineMs: 15_000 },
  remove: { name: "engine.remove", mutates: true, deadlineMs: 30_000 },
} as const satisfies Record<string, Call>;

/** What tells whether an engine is there. Where one of these fails it is asked again within a second, and none is left out. */
const looks = [calls.ping, calls.list, calls.inspect].map(({ name }) => name);

/** The Engine port of one controller on one simulated host, made of the same requests as the real one. */
export function simulatedEngine(deps: SimulatedEngineDeps): Engine {
  const { process, machine, witness } = deps;
  const line: Line = {
    process,
    server: machine,
    network: deps.network,
    weather: deps.weather,
    error: (kind, message) => new EngineError(kind, message),
  };
  const { dice, scheduler } = process;
  const rounds = pingRounds(deps);
  const facts = (): Awaited<ReturnType<Engine["ping"]>> => ({
    id: machine.engineId(),
    swarmNodeId: machine.inSwarm ? swarmNodeId(machine.machine) : null,
    swarmManager: machine.inSwarm,
  });
  const seen = (container: TrueContainer): Container => describe(container, shiftOf(process, machine));

  /** A change that takes `worksMs`, told to the witness at each point. */
  const change = <T>(call: Call, what: EngineChange, worksMs: number, effect: () => T): Promise<T> => {
    if (process.alive()) witness.sent(process, what);
    const sent = order<T>(line, call, (reply) => {
      const finish = (): void => {
        if (machine.state() === "down") return; // it died over it: no answer
        try {
          witness.taking(process, what);
          const value = effect();
          witness.took(process, what);
          reply.ok(value);
        } catch (error) {
          reply.fail(error as Error);
        }
      };
      if (worksMs === 0) finish();
      else scheduler.after(worksMs, finish);
    });
    return sent.catch((error: unknown) => {
      if (error instanceof EngineError && error.kind === "unclear") witness.unclear(process, what);
      if (error instanceof EngineError && error.kind === "refused") witness.refused(process, what);
      throw error;
    });
  };
  const startContainer = (container: TrueContainer): Promise<void> =>
    change(calls.start, { kind: "start", machine: machine.machine, container }, dice.int(40, 400), () => {
      if (container.removed) throw new EngineError("refused", `No such container: ${container.id}`);
      machine.life.start(container);
    });
  const removeContainer = (container: TrueContainer): Promise<void> =>
    change(calls.remove, { kind: "remove", machine: machine.machine, container }, dice.int(10, 80), () =>
      machine.remove(container),
    );

  return {
    host: machine.machine,
    ping: async () => (rounds.isNapping() ? facts() : ask(line, calls.ping, facts)),
    list: (filter) =>
      ask(line, calls.list, () => {
        witness.looked(process, machine.machine);
        const found: Container[] = [];
        for (const one of machine.containers.values()) if (isOfInterest(one, filter)) found.push(seen(one));
        return found;
      }),
    inspect: (idOrName) =>
      ask(line, calls.inspect, () => {
        witness.looked(process, machine.machine);
        const one = machine.find(idOrName);
        return one === undefined ? null : seen(one);
      }),
    async start(creation, mayGoOn = () => undefined) {
      await mayGoOn("prepare");
      const created = { kind: "create", machine: machine.machine, creation } as const;
      const container = await change(calls.create, created, dice.int(20, 150), () =>
        machine.create({ ...creation, createdBy: process.name }),
      );
      try {
        await mayGoOn("start");
        await startContainer(container);
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        if (error.kind === "refused") await removeContainer(container).catch(() => {});
        throw error.kind === "unreachable" ? new EngineError("unclear", error.message, { cause: error }) : error;
      }
      const started = await this.inspect(container.id).catch((error: unknown) => {
        throw new EngineError("unclear", (error as Error).message, { cause: error });
      });
      if (started === null) throw new EngineError("unclear", `${creation.name} was started and is gone`);
      return started;
    },
    stop: async (id, graceMs) => {
      const container = machine.find(id);
      if (container === undefined) return;
      const takesMs = isUp(container) ? machine.life.stopTakesMs(container, graceMs) : 0;
      const what = { kind: "stop", machine: machine.machine, container, graceMs } as const;
      const call = { ...calls.stop, deadlineMs: calls.stop.deadlineMs + graceMs };
      await change(call, what, takesMs, () => machine.life.end(container, takesMs === graceMs ? 137 : 0));
    },
    remove: async (id) => {
      const container = machine.find(id);
      if (container !== undefined) await removeContainer(container);
    },
    run: (id) =>
      ask(line, calls.run, () => {
        const container = machine.find(id);
        if (container?.state !== "running") throw new EngineError("refused", `Container ${id} is not running`);
        const copied = deps.copyAside?.(container) ?? true;
        return { exitCode: copied ? 0 : 1, output: copied ? "" : "cp: no such file" };
      }),
    lastOutput: () => ask(line, calls.output, () => "simulated output"),
    follow: (signal, onOpen, onEvent) =>
      follow(deps, line, signal, rounds.opened(signal, onOpen), onEvent) as Promise<never>,
    close: () => {},
  };
}

/** The controller asks whether the engine is there between sleeps on the signal with which it ends the event stream. */
function pingRounds({ process, machine, network, weather, pings }: SimulatedEngineDeps) {
  let latest: AbortSignal | null = null;
  const isReached = (): boolean =>
    machine.state() === "up" && network.path(process.machine, machine.machine) === "open";
  const question: Question = {
    process,
    machine: machine.machine,
    isFair: () => process.alive() && isReached() && looks.every((name) => weather.isFair(machine.machine, name)),
    began: () => pings?.truth.answersAll(process, machine.machine, true),
    ended: () => pings?.truth.answersAll(process, machine.machine, false),
  };
  return {
    isNapping: (): boolean => latest !== null && pings?.naps.isNapping(latest) === true,
    opened: (signal: AbortSignal, onOpen: () => void) => (): void => {
      latest = signal;
      pings?.naps.expect(signal, question);
      onOpen();
    },
  };
}

/** Events come one after the other, a little late; a cut wire that drops packets goes silent without an end. */
function follow(
  { process, machine, network, weather }: SimulatedEngineDeps,
  line: Line,
  signal: AbortSignal,
  onOpen: () => void,
  onEvent: (event: EngineEvent) => void,
): Promise<void> {
  const { scheduler, dice } = process;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    let unsubscribe = (): void => {};
    let lastAtMs = 0;
    const end = (settle: () => void): void => {
      unsubscribe();
      process.deliver(settle);
    };
    const listen = (event: EngineEvent | "broken"): void => {
      if (!process.alive()) return unsubscribe();
      const path = network.path(process.machine, machine.machine);
      if (path === "drop") return;
      if (event === "broken" || path === "reject") {
        return end(() => reject(new EngineError("unreachable", `${machine.machine}: event stream ended`)));
      }
      const fate = weather.eventFate(process, machine.machine);
      if (fate === "lost") return;
      lastAtMs = Math.max(lastAtMs, scheduler.nowMs() + (fate === "delayed" ? dice.int(100, 5_000) : dice.int(1, 5)));
      scheduler.at(lastAtMs, () => process.deliver(() => !signal.aborted && onEvent(event)));
    };
    signal.addEventListener("abort", () => end(() => resolve()), { once: true });
    ask(line, calls.follow, () => {
      if (!signal.aborted) unsubscribe = machine.subscribe(listen);
    }).then(onOpen, reject);
  });
}

/**
 * The real adapter turns the engine's times into the controller's by the date of its answers, in whole seconds, and
 * leaves a small difference alone. What is left of it here is as wrong as that may be.
 */
function shiftOf(process: Process, machine: Machine): number {
  const skewMs = machine.clockOffsetMs - process.steadyOffsetMs;
  const errorMs = Math.abs(skewMs) <= 2_500 ? skewMs : skewMs % 1_000;
  return EPOCH_MS + process.steadyOffsetMs + errorMs;
}

function isOfInterest(container: TrueContainer, filter: ContainerFilter): boolean {
  const { labels, compose, swarmServiceName } = container;
  if (labels[LABEL.environment] === filter.environment) {
    return filter.service === null || labels[LABEL.service] === filter.service;
  }
  if (compose !== null) return filter.composeProjects.includes(compose.project);
  return swarmServiceName !== null && filter.swarmServices.includes(swarmServiceName);
}
