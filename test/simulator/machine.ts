import type { Container } from "../../src/model/instance.ts";
import type { ContainerTemplate } from "../../src/model/service.ts";
import { EngineError } from "../../src/ports/engine.ts";
import type { EngineEvent } from "../../src/ports/engine.ts";
import { containerLife } from "./life.ts";
import type { ContainerLife } from "./life.ts";
import { healthyBehaviour, isUp } from "./container.ts";
import type { Behaviour, TrueContainer } from "./container.ts";
import type { Dice } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Server } from "./wire.ts";

export interface MachineDeps {
  readonly scheduler: Scheduler;
  readonly dice: Dice;
  readonly behaviours: Map<string, Behaviour>;
  /** Called after every change of a container, with what happened to it. */
  readonly onContainer: (container: TrueContainer, what: ContainerChange) => void;
  /** Called right before the daemon ceases to answer. */
  readonly beforeSilence?: (machine: string) => void;
}

export type ContainerChange =
  | "created"
  | "started"
  | "died"
  | "removed"
  | "paused"
  | "unpaused"
  | "health"
  | "serving"
  | "silent";

export interface NewContainer {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly template: ContainerTemplate;
  readonly createdBy: string;
  readonly compose?: Container["compose"];
  readonly swarmTaskId?: string;
  readonly swarmServiceName?: string;
}

/** A host: its power, its Docker daemon and its containers. What a person at its console can do, faults can do. */
export interface Machine extends Server {
  readonly containers: ReadonlyMap<string, TrueContainer>;
  readonly life: ContainerLife;
  /** Its wall clock against true time. */
  clockOffsetMs: number;
  diskFull: boolean;
  /** Member of the Swarm, all of whose members are managers. */
  inSwarm: boolean;
  engineId(): string;
  find(idOrName: string): TrueContainer | undefined;
  /** The container that answers at this address and port now, seen from this machine. */
  answering(address: string, port: number): TrueContainer | undefined;
  /** Throws `EngineError` as the daemon would refuse. */
  create(creation: NewContainer): TrueContainer;
  remove(container: TrueContainer): void;
  subscribe(listener: (event: EngineEvent | "broken") => void): () => void;
  powered(): boolean;
  powerOff(): void;
  boot(): void;
  /** The daemon alone: containers run on, and are ended when it returns, unless it keeps them (`live-restore`). */
  crashDaemon(): void;
  startDaemon(keepContainers: boolean): void;
  hang(): void;
  wake(): void;
}

export function machine(deps: MachineDeps, name: string): Machine {
  const { scheduler, dice } = deps;
  const containers = new Map<string, TrueContainer>();
  const names = new Map<string, TrueContainer>();
  const listeners = new Set<(event: EngineEvent | "broken") => void>();
  let powered = true;
  let daemon: "up" | "down" | "hung" = "up";
  let asleep: (() => void)[] = [];
  let containersMade = 0;

  const breakStreams = (): void => {
    for (const listener of listeners) listener("broken");
  };
  const changed = (container: TrueContainer, what: ContainerChange): void => {
    container.view = null;
    deps.onContainer(container, what);
    if (daemon !== "up" || what === "created" || what === "serving" || what === "silent") return;
    const event = engineEvent(container, what, scheduler.nowMs());
    for (const listener of listeners) listener(event);
  };
  const fallSilent = (how: "down" | "hung"): void => {
    deps.beforeSilence?.(name);
    daemon = how;
    if (how === "down") asleep = [];
  };
  const life = containerLife({ ...deps, changed, daemonRuns: () => daemon !== "down", containers });

  return {
    machine: name,
    containers,
    life,
    clockOffsetMs: 0,
    diskFull: false,
    inSwarm: false,
    engineId: () => `engine-${name}`,
    state: () => (powered ? daemon : "down"),
    whenAwake: (run) => void asleep.push(run),
    find: (idOrName) => containers.get(idOrName) ?? names.get(idOrName),
    answering(address, port) {
      for (const one of containers.values()) {
        if (!one.serving || !isUp(one)) continue;
        if (one.address === address || one.ports.some((published) => published.host === port)) return one;
      }
      return undefined;
    },
    create(creation) {
      const behaviour = deps.behaviours.get(creation.template.image) ?? healthyBehaviour;
      if (names.has(creation.name))
        throw new EngineError("name-taken", `Conflict. "/${creation.name}" is already in use`);
      if (behaviour.missing) throw new EngineError("refused", `No such image: ${creation.template.image}`);
      if (this.diskFull) throw new EngineError("refused", "no space left on device");
      containersMade += 1;
      const container = newContainer(creation, `${name}-c${containersMade}`, name, scheduler.nowMs());
      containers.set(container.id, container);
      names.set(container.name, container);
      changed(container, "created");
      return container;
    },
    remove(container) {
      if (container.removed) return;
      life.end(container, 137);
      container.removed = true;
      container.state = "removing";
      containers.delete(container.id);
      names.delete(container.name);
      changed(container, "removed");
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    powered: () => powered,
    powerOff() {
      if (!powered) return;
      fallSilent("down");
      powered = false;
      breakStreams();
      for (const one of containers.values()) life.cut(one);
    },
    boot() {
      if (powered) return;
      powered = true;
      daemon = "up";
      life.startAfterBoot();
    },
    crashDaemon() {
      if (!powered || daemon === "down") return;
      fallSilent("down");
      breakStreams();
    },
    startDaemon(keepContainers) {
      if (!powered || daemon !== "down") return;
      if (!keepContainers) for (const one of containers.values()) life.cut(one);
      daemon = "up";
      life.startAfterBoot();
    },
    hang: () => void (powered && daemon === "up" && fallSilent("hung")),
    wake() {
      if (daemon !== "hung") return;
      daemon = "up";
      for (const run of asleep) scheduler.after(dice.int(0, 5), run);
      asleep = [];
    },
  };
}

function newContainer(creation: NewContainer, id: string, machine: string, nowMs: number): TrueContainer {
  return {
    id,
    name: creation.name,
    machine,
    labels: creation.labels,
    image: creation.template.image,
    template: creation.template,
    compose: creation.compose ?? null,
    swarmTaskId: creation.swarmTaskId ?? null,
    swarmServiceName: creation.swarmServiceName ?? null,
    createdBy: creation.createdBy,
    createdAtMs: nowMs,
    state: "created",
    health: creation.template.healthcheck === null ? "none" : "starting",
    exitCode: null,
    startedAtMs: null,
    finishedAtMs: null,
    ports: [],
    address: null,
    serving: false,
    servingSinceMs: null,
    silentSinceMs: nowMs,
    sick: false,
    stoppedByHand: false,
    restarts: 0,
    removed: false,
    timers: [],
    view: null,
  };
}

function engineEvent(container: TrueContainer, what: EngineEvent["kind"], nowMs: number): EngineEvent {
  return {
    kind: what,
    containerId: container.id,
    name: container.name,
    labels: container.labels,
    exitCode: what === "died" ? container.exitCode : null,
    health: what === "health" && container.health !== "none" ? container.health : null,
    atMs: nowMs,
  };
}
