import type { Container, ContainerState, DockerHealth, PublishedPort } from "../../src/model/instance.ts";
import { LABEL } from "../../src/model/labels.ts";
import type { ContainerTemplate } from "../../src/model/service.ts";

/** How the application in an image behaves. Faults change it while the world runs. */
export interface Behaviour {
  readonly missing: boolean;
  /** From the start of its process to its first good answer. */
  readonly readyMs: readonly [min: number, max: number];
  /** Ends by itself so long after each start; null: never. */
  readonly crashAfterMs: number | null;
  readonly neverReady: boolean;
  /** Ignores SIGTERM, so that a stop takes its whole grace time. */
  readonly deaf: boolean;
}

export const healthyBehaviour: Behaviour = {
  missing: false,
  readyMs: [200, 1500],
  crashAfterMs: null,
  neverReady: false,
  deaf: false,
};

/** A container as it truly is, whoever may be able to see it. Only machine.ts and life.ts change one. */
export interface TrueContainer {
  readonly id: string;
  readonly name: string;
  readonly machine: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  readonly template: ContainerTemplate;
  readonly compose: Container["compose"];
  readonly swarmTaskId: string | null;
  readonly swarmServiceName: string | null;
  /** Who had it created: a controller's name, or what else. */
  readonly createdBy: string;
  readonly createdAtMs: number;
  state: ContainerState;
  health: DockerHealth;
  exitCode: number | null;
  startedAtMs: number | null;
  finishedAtMs: number | null;
  ports: readonly PublishedPort[];
  /** On the bridge; another one after every start, as with Docker. */
  address: string | null;
  /** The application answers on its port. */
  serving: boolean;
  /** When it last began and last ceased to answer. */
  servingSinceMs: number | null;
  silentSinceMs: number;
  /** Made to fail whatever it is asked, by a fault. */
  sick: boolean;
  /** Stopped through the API: the restart policy leaves it alone. */
  stoppedByHand: boolean;
  restarts: number;
  removed: boolean;
  /** Cancels what its present run would still do (become ready, crash, restart). */
  timers: (() => void)[];
  /** How the engine describes it, for who reads its times so much shifted; null once something has changed. */
  view: { readonly shiftMs: number; readonly container: Container } | null;
}

/** The container as the engine's API describes it, times moved by so much; the same object until something changes. */
export function describe(container: TrueContainer, shiftMs: number): Container {
  if (container.view?.shiftMs === shiftMs) return container.view.container;
  const described = { ...lasting(container), ...passing(container, shiftMs) };
  container.view = { shiftMs, container: described };
  return described;
}

function lasting({ labels, ...container }: TrueContainer) {
  return {
    id: container.id,
    name: container.name,
    host: container.machine,
    service: labels[LABEL.service] ?? null,
    slot: wholeNumber(labels[LABEL.slot]),
    generation: wholeNumber(labels[LABEL.generation]),
    specHash: labels[LABEL.specHash] ?? null,
    restartsItself: container.template.restart !== "no",
    compose: container.compose,
    swarmTaskId: container.swarmTaskId,
    swarmServiceName: container.swarmServiceName,
  };
}

function passing(container: TrueContainer, shiftMs: number) {
  const { state, health, exitCode, address, ports, createdAtMs, startedAtMs, finishedAtMs } = container;
  return {
    state,
    health,
    exitCode,
    address,
    ports,
    createdAtMs: createdAtMs + shiftMs,
    startedAtMs: startedAtMs === null ? null : startedAtMs + shiftMs,
    finishedAtMs: finishedAtMs === null ? null : finishedAtMs + shiftMs,
  };
}

/** Whether there is a process, answering or not. */
export function isUp(container: TrueContainer): boolean {
  return container.state === "running" || container.state === "paused";
}

function wholeNumber(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}
