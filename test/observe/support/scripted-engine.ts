import type { Container } from "../../../src/model/instance.ts";
import { LABEL } from "../../../src/model/labels.ts";
import type { ContainerFilter, Engine, EngineEvent } from "../../../src/ports/engine.ts";
import { EngineError } from "../../../src/ports/engine.ts";

type Asked = "ping" | "ping anew" | "list" | "inspect";

/** A question that waits for its answer. */
export interface Waiting {
  readonly asked: string;
  /** As things stood when it was asked. */
  answerAsAsked(): void;
  /** As things stand now. */
  answerNow(): void;
  fail(message?: string): void;
}

/** One engine that does exactly as the test says: what is there, which answers come late, what its stream tells. */
export interface ScriptedEngine {
  readonly engine: Engine;
  readonly there: Map<string, Container>;
  /** Every question so far: `ping`, `ping anew`, `list`, `list web`, `inspect c1`. */
  readonly asked: string[];
  /** From now on such questions wait for the test. */
  hold(kind: Asked): void;
  letGo(kind: Asked): void;
  waiting(): readonly Waiting[];
  /** From now on it does not answer at all: every question fails. null: it does again. */
  fail(message: string | null): void;
  /** The event stream that is followed now, if any. */
  stream(): Stream | null;
}

export interface Stream {
  open(): void;
  tell(kind: EngineEvent["kind"], container: Container, changes?: Partial<EngineEvent>): void;
  end(message?: string): void;
}

export function scriptedEngine(host = "h1"): ScriptedEngine {
  const there = new Map<string, Container>();
  const asked: string[] = [];
  const held = new Set<Asked>();
  let waiting: (Waiting & { readonly kind: Asked })[] = [];
  let failure: string | null = null;
  let stream: Stream | null = null;

  const ask = <T>(kind: Asked, what: string, look: () => T): Promise<T> => {
    asked.push(what);
    if (failure !== null) return Promise.reject(new EngineError("unreachable", failure));
    if (!held.has(kind)) return Promise.resolve(look());
    const asAsked = look();
    return new Promise((resolve, reject) => {
      const settle = (run: () => void): void => {
        waiting = waiting.filter((other) => other !== mine);
        run();
      };
      const mine: Waiting & { readonly kind: Asked } = {
        kind,
        asked: what,
        answerAsAsked: () => settle(() => resolve(asAsked)),
        answerNow: () => settle(() => resolve(look())),
        fail: (message = "no answer") => settle(() => reject(new EngineError("unclear", message))),
      };
      waiting.push(mine);
    });
  };
  const refuse = (): never => {
    throw new Error("a mirror changes nothing");
  };
  const engine: Engine = {
    host,
    ping(over) {
      const asked = over === undefined ? "ping" : "ping anew";
      return ask(asked, asked, () => ({ id: `id-of-${host}`, swarmNodeId: `node-of-${host}`, swarmManager: false }));
    },
    list: (filter) =>
      ask("list", filter.service === null ? "list" : `list ${filter.service}`, () =>
        [...there.values()].filter((container) => isWanted(container, filter)),
      ),
    inspect: (id) => ask("inspect", `inspect ${id}`, () => there.get(id) ?? null),
    start: refuse,
    stop: refuse,
    remove: refuse,
    lastOutput: refuse,
    follow: (signal, onOpen, onEvent) =>
      new Promise<void>((resolve, reject) => {
        if (failure !== null) return reject(new EngineError("unreachable", failure));
        const mine: Stream = {
          open: onOpen,
          tell: (kind, container, changes = {}) => onEvent({ ...anEvent(kind, container), ...changes }),
          end(message = "the stream ended") {
            if (stream === mine) stream = null;
            reject(new EngineError("unreachable", message));
          },
        };
        stream = mine;
        signal.addEventListener("abort", () => {
          if (stream === mine) stream = null;
          resolve();
        });
      }) as Promise<never>,
    close: () => undefined,
  };
  return {
    engine,
    there,
    asked,
    hold: (kind) => void held.add(kind),
    letGo(kind) {
      held.delete(kind);
      for (const one of waiting) if (one.kind === kind) one.answerNow();
    },
    waiting: () => waiting,
    fail: (message) => {
      failure = message;
    },
    stream: () => stream,
  };
}

function anEvent(kind: EngineEvent["kind"], { id, name, service, compose }: Container): EngineEvent {
  const labels: Record<string, string> = {};
  if (service !== null) Object.assign(labels, { [LABEL.environment]: "live", [LABEL.service]: service });
  if (compose !== null) labels["com.docker.compose.project"] = compose.project;
  return { kind, containerId: id, name, labels, exitCode: kind === "died" ? 137 : null, health: null, atMs: 42 };
}

function isWanted(container: Container, { service, composeProjects }: ContainerFilter): boolean {
  if (container.compose !== null) return composeProjects.includes(container.compose.project);
  return service === null || container.service === service;
}
