import type { ContainerTemplate } from "../../src/model/service.ts";
import { EngineError } from "../../src/ports/engine.ts";
import type { SwarmNode, SwarmService, SwarmTask } from "../../src/ports/swarm.ts";
import { isUp } from "./container.ts";
import type { TrueContainer } from "./container.ts";
import type { Machine } from "./machine.ts";
import type { Dice } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

export interface SwarmClusterDeps {
  readonly scheduler: Scheduler;
  readonly dice: Dice;
  readonly machines: readonly Machine[];
  /** Whether the managers can reach the machine. */
  readonly reaches: (machine: string) => boolean;
}

/** The managers' view of a Swarm, and their own healing: tasks over nodes, restarts after a delay, dead nodes noticed late. */
export interface SwarmCluster {
  state(): "led" | "leaderless";
  setLeader(has: boolean): void;
  services(): readonly SwarmService[];
  nodes(): readonly SwarmNode[];
  tasks(service: string): readonly SwarmTask[];
  create(name: string, template: ContainerTemplate, labels: Readonly<Record<string, string>>, replicas: number): void;
  /** Throws `EngineError` `conflict` when the version has moved on. */
  scale(id: string, version: number, replicas: number): void;
  /** By hand: `docker service rm`. */
  remove(name: string): void;
  /** By hand: any edit that moves the version. */
  touch(name: string): void;
  onContainer(container: TrueContainer): void;
  /** Power or network of some machine changed. */
  review(): void;
  /** When the machine was last called down; infinite while it is. */
  downUntilMs(machine: string): number;
  subscribe(listener: (serviceName: string | null) => void): () => void;
}

interface TrueService {
  readonly id: string;
  readonly name: string;
  readonly template: ContainerTemplate;
  readonly labels: Readonly<Record<string, string>>;
  version: number;
  replicas: number;
  tasks: Task[];
}

interface Task {
  readonly id: string;
  nodeId: string | null;
  state: "pending" | "starting" | "running" | "failed" | "shutdown" | "orphaned";
  desiredState: "running" | "shutdown";
  container: TrueContainer | null;
}

const restartDelayMs = 5_000;
const downAfterMs = 13_000;

export function swarmCluster(deps: SwarmClusterDeps): SwarmCluster {
  const { scheduler, dice, machines } = deps;
  const services = new Map<string, TrueService>();
  const down = new Set<string>();
  const lastDown = new Map<string, number>();
  const suspects = new Map<string, () => void>();
  const listeners = new Set<(serviceName: string | null) => void>();
  let led = true;
  let made = 0;

  const tell = (name: string | null): void => {
    for (const listener of listeners) listener(name);
  };
  const machineOf = (nodeId: string): Machine => machines.find((one) => swarmNodeId(one.machine) === nodeId)!;
  const ready = (): Machine[] => machines.filter((one) => !down.has(one.machine));
  const wanted = (service: TrueService): Task[] => service.tasks.filter((task) => task.desiredState === "running");

  const place = (service: TrueService): Machine | undefined => {
    const load = (one: Machine): number =>
      wanted(service).filter((task) => task.nodeId === swarmNodeId(one.machine)).length;
    return ready().sort((a, b) => load(a) - load(b))[0];
  };
  const launch = (service: TrueService, task: Task, delayMs: number): void => {
    scheduler.after(delayMs, () => {
      if (task.desiredState !== "running" || task.container !== null) return;
      const machine = place(service);
      // Managers without a leader launch nothing, and what was pending is still so when there is one again.
      if (!led || machine === undefined || machine.state() !== "up") {
        launch(service, task, 1_000);
        return;
      }
      task.nodeId = swarmNodeId(machine.machine);
      task.state = "starting";
      startTask(service, task, machine);
    });
  };
  const startTask = (service: TrueService, task: Task, machine: Machine): void => {
    try {
      const name = `${service.name}.${task.id}`;
      const template = { ...service.template, restart: "no" } as const;
      const from = { swarmTaskId: task.id, swarmServiceName: service.name, createdBy: "swarm" };
      task.container = machine.create({ name, template, labels: {}, ...from });
      machine.life.start(task.container);
      task.state = "running";
    } catch {
      task.state = "failed";
      task.desiredState = "shutdown";
    }
    orchestrate(service, restartDelayMs);
  };
  const retire = (task: Task): void => {
    task.desiredState = "shutdown";
    const { container } = task;
    if (container === null || task.nodeId === null || down.has(container.machine)) return;
    task.state = "shutdown";
    scheduler.after(dice.int(50, 500), () => machineOf(task.nodeId!).remove(container));
  };
  const orchestrate = (service: TrueService, delayMs: number): void => {
    if (!services.has(service.name) || !led) return;
    const running = wanted(service);
    for (let missing = service.replicas - running.length; missing > 0; missing -= 1) {
      const task: Task = {
        id: `t${(made += 1)}`,
        nodeId: null,
        state: "pending",
        desiredState: "running",
        container: null,
      };
      service.tasks.push(task);
      launch(service, task, delayMs + dice.int(50, 300));
    }
    // As SwarmKit does it: what does not run yet goes first, then the newest.
    const isStarted = (task: Task): number => (task.state === "running" ? 1 : 0);
    const firstToGo = running.reverse().sort((a, b) => isStarted(a) - isStarted(b));
    for (const task of firstToGo.slice(0, Math.max(0, running.length - service.replicas))) retire(task);
    // Managers keep five old tasks per slot; a bound is enough here.
    if (service.tasks.length > 4 * service.replicas + 20) forgetOld(service);
  };
  /** A task that is forgotten takes its container with it; a node that is down sees to that once it is back. */
  const forgetOld = (service: TrueService): void => {
    for (const { desiredState, container, nodeId } of service.tasks) {
      if (desiredState === "running" || container === null || nodeId === null || down.has(container.machine)) continue;
      if (!isUp(container)) machineOf(nodeId).remove(container);
    }
    service.tasks = service.tasks.filter((task) => task.desiredState === "running");
  };
  const nodeDown = (machine: Machine): void => {
    down.add(machine.machine);
    tell(null);
    for (const service of services.values()) {
      for (const task of wanted(service)) {
        if (task.nodeId !== swarmNodeId(machine.machine)) continue;
        task.desiredState = "shutdown";
        task.state = "orphaned";
      }
      orchestrate(service, 0);
    }
  };
  const nodeUp = (machine: Machine): void => {
    if (!down.delete(machine.machine)) return;
    lastDown.set(machine.machine, scheduler.nowMs());
    tell(null);
    for (const one of machine.containers.values()) {
      const task = taskOf(one);
      if (one.swarmTaskId !== null && task?.desiredState !== "running") machine.remove(one);
    }
  };
  const taskOf = (container: TrueContainer): Task | undefined => {
    const service = services.get(container.swarmServiceName ?? "");
    return service?.tasks.find((task) => task.id === container.swarmTaskId);
  };

  const byId = (id: string): TrueService => {
    for (const one of services.values()) if (one.id === id) return one;
    throw new EngineError("refused", `service ${id} not found`);
  };

  return {
    state: () => (led ? "led" : "leaderless"),
    setLeader(has) {
      led = has;
      if (has) for (const service of services.values()) orchestrate(service, 0);
    },
    services: () =>
      [...services.values()].map(({ id, name, version, replicas, labels }) => ({
        id,
        name,
        version,
        mode: "replicated",
        replicas,
        labels,
        updating: false,
      })),
    nodes: () =>
      machines.map((one) => ({
        id: swarmNodeId(one.machine),
        hostname: one.machine,
        address: one.machine,
        state: down.has(one.machine) ? "down" : "ready",
        availability: "active",
      })),
    tasks: (name) =>
      (services.get(name)?.tasks ?? []).map(({ id, nodeId, state, desiredState, container }) => ({
        id,
        nodeId,
        state,
        desiredState,
        containerId: container?.id ?? null,
      })),
    create(name, template, labels, replicas) {
      if (services.has(name)) throw new EngineError("name-taken", `service ${name} already exists`);
      const service: TrueService = {
        id: `s${(made += 1)}`,
        name,
        template,
        labels,
        version: (made += 1),
        replicas,
        tasks: [],
      };
      services.set(name, service);
      tell(name);
      orchestrate(service, 0);
    },
    scale(id, version, replicas) {
      const service = byId(id);
      if (service.version !== version) throw new EngineError("conflict", "update out of sequence");
      service.version = made += 1;
      service.replicas = replicas;
      tell(service.name);
      orchestrate(service, 0);
    },
    remove(name) {
      const service = services.get(name);
      if (service === undefined) return;
      services.delete(name);
      tell(name);
      for (const task of wanted(service)) retire(task);
    },
    touch(name) {
      const service = services.get(name);
      if (service !== undefined) service.version = made += 1;
      tell(name);
    },
    onContainer(container) {
      if (container.swarmTaskId === null || container.state === "running" || container.state === "paused") return;
      if (container.state === "created") return;
      const task = taskOf(container);
      if (task === undefined || task.desiredState !== "running" || down.has(container.machine)) return;
      task.state = "failed";
      task.desiredState = "shutdown";
      orchestrate(services.get(container.swarmServiceName!)!, restartDelayMs);
    },
    review() {
      for (const machine of machines) {
        const gone = machine.state() !== "up" || !deps.reaches(machine.machine);
        const timer = suspects.get(machine.machine);
        if (gone && timer === undefined) {
          suspects.set(
            machine.machine,
            scheduler.after(downAfterMs, () => nodeDown(machine)),
          );
        } else if (!gone) {
          timer?.();
          suspects.delete(machine.machine);
          nodeUp(machine);
        }
      }
    },
    downUntilMs: (name) =>
      down.has(name) ? Number.POSITIVE_INFINITY : (lastDown.get(name) ?? Number.NEGATIVE_INFINITY),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

export function swarmNodeId(machine: string): string {
  return `swarm-${machine}`;
}
