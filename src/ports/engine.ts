import type { Container } from "../model/instance.ts";
import type { ContainerTemplate } from "../model/service.ts";

/**
 * One Docker engine. Every call has its own deadline and rejects with `EngineError`; none retries by itself.
 * Only containers of interest are listed: ours by label, Compose's and Swarm's by theirs.
 */
export interface Engine {
  readonly host: string;
  /**
   * Asks whether it answers at all, and who it is (the id tells a rebuilt engine from the old one). `anew`: over a new
   * connection, since what a gap in the network swallowed on an old one is sent again seconds later only.
   */
  ping(
    over?: "anew",
  ): Promise<{ readonly id: string; readonly swarmNodeId: string | null; readonly swarmManager: boolean }>;
  list(filter: ContainerFilter): Promise<readonly Container[]>;
  /** null when there is no such container. */
  inspect(idOrName: string): Promise<Container | null>;
  /**
   * Creates and starts. Rejects with `name-taken` when the name is in use: look at what holds it. It takes several
   * requests, and an image may have to be fetched between them: `mayGoOn` is asked and waited for before each, and what
   * it rejects with is what the start rejects with. A container that may not be started stays as it was created.
   */
  start(creation: Creation, mayGoOn?: MayGoOn): Promise<Container>;
  /** Stops with the grace time; stopping what is stopped or gone is no error. */
  stop(id: string, graceMs: number): Promise<void>;
  /** Removes, killing it if need be; removing what is gone is no error. Named volumes stay. */
  remove(id: string): Promise<void>;
  /**
   * Runs a program in a running container until it ends. Rejects with `EngineError`; `refused` when it cannot be run.
   * Absent where the engine cannot.
   */
  run?(
    id: string,
    command: readonly string[],
    deadlineMs: number,
  ): Promise<{ readonly exitCode: number; readonly output: string }>;
  /** Last lines of its output, stripped of control characters; for the history. */
  lastOutput(id: string, lines: number): Promise<string>;
  /**
   * Follows the engine's events until the signal fires, then resolves. Rejects when the stream ends or breaks, also
   * half-way: the caller lists again and follows anew. `onOpen` is called once events can no longer be missed.
   */
  follow(signal: AbortSignal, onOpen: () => void, onEvent: (event: EngineEvent) => void): Promise<never>;
  close(): void;
}

/** Whether the next request of a start may be sent: one that only prepares it, or the one from which on it runs. */
export type MayGoOn = (next: "prepare" | "start") => void | Promise<void>;

export interface ContainerFilter {
  readonly environment: string;
  /** null: those of every service. */
  readonly service: string | null;
  /** Also list Compose containers of these projects. */
  readonly composeProjects: readonly string[];
  /** Also list the task containers of these Swarm services. */
  readonly swarmServices: readonly string[];
}

export interface Creation {
  readonly name: string;
  readonly template: ContainerTemplate;
  /** Resolved values; secret ones never reach a log. */
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly slot: number;
}

/** What changed, as a hint: the mirror inspects the container before it believes anything but its death. */
export interface EngineEvent {
  readonly kind: "started" | "died" | "removed" | "paused" | "unpaused" | "health" | "changed";
  readonly containerId: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly exitCode: number | null;
  readonly health: "starting" | "healthy" | "unhealthy" | null;
  readonly atMs: number;
}

/**
 * `refused`: the engine said no and did nothing (bad image, port taken, no space).
 * `name-taken`: a container of that name exists. `unreachable`: nothing was sent. `unclear`: sent, no answer came;
 * it may have happened. `conflict`: what was to be changed has changed meanwhile.
 */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly kind: "refused" | "name-taken" | "unreachable" | "unclear" | "conflict";
  constructor(kind: EngineError["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
