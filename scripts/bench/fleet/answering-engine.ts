import type { DockerConnection } from "../../../src/adapters/docker/connection.ts";
import { EngineClock } from "../../../src/adapters/docker/engine-clock.ts";
import type { Listing } from "../../../src/adapters/docker/list-containers.ts";
import { listContainers } from "../../../src/adapters/docker/list-containers.ts";
import { parseInspected } from "../../../src/adapters/docker/parse-container.ts";
import type { Share } from "../../../src/adapters/shared-texts.ts";
import type { Container } from "../../../src/model/instance.ts";
import type { Cancel, Clock } from "../../../src/ports/clock.ts";
import type { Engine } from "../../../src/ports/engine.ts";
import { EngineError } from "../../../src/ports/engine.ts";
import type { ListedJson } from "./fleet.ts";
import { inspectedJson } from "./fleet.ts";
import type { Asked } from "./in-process.ts";

const RUNNING_FOR_MS = 3 * 3_600_000;

export interface AnsweringEngineDeps {
  readonly host: string;
  /** Engines answer one after the other: each takes longer to make a list than heal to read it. */
  readonly turn: () => Promise<void>;
  /** What it answers to a list. */
  readonly text: () => string;
  readonly clock: Clock;
  readonly asked: Asked;
  readonly share: Share;
}

/** An engine whose answers are texts already, read by the real adapter's own readers. It has no events of its own. */
export function answeringEngine({ host, turn, text, clock, asked, share }: AnsweringEngineDeps): Engine {
  const engineClock = new EngineClock(clock);
  const inspected = new Map<string, Container>();
  /** Only while containers are met for the first time: kept, it would count as memory of heal. */
  let byId: ReadonlyMap<string, ListedJson> | null = null;
  let forget: Cancel | null = null;
  const inspect = async (id: string): Promise<Container | null> => {
    asked.docker += 1;
    byId ??= new Map((JSON.parse(text()) as ListedJson[]).map((one) => [one.Id, one]));
    forget ??= clock.after(1_000, () => ((byId = null), (forget = null)));
    const found = byId.get(id);
    if (found === undefined) return null;
    const container = parseInspected(inspectedJson(found, clock.wallMs() - RUNNING_FOR_MS), host, engineClock, share);
    inspected.set(id, container);
    return container;
  };
  const listing = async (): Promise<unknown> => {
    asked.docker += 1;
    await turn();
    const json = Buffer.from(text());
    asked.dockerBytes += json.length;
    return { json };
  };
  const connection = {
    clock,
    callUnread: (_what: string, _ms: number, send: (docker: object) => Promise<unknown>) =>
      send({ listContainers: listing }),
    read: (_what: string, reader: () => unknown) => reader(),
  } as unknown as DockerConnection;
  const unasked = async (): Promise<never> => {
    asked.actions += 1;
    throw new EngineError("refused", "nothing is to be changed here");
  };
  const listed: Listing = { connection, listMs: 1_000, inspect, inspected, underWay: new Map(), last: null };
  return {
    host,
    async ping() {
      asked.pings += 1;
      return { id: host, swarmNodeId: null, swarmManager: false };
    },
    list: (filter) => listContainers(listed, filter),
    inspect,
    start: unasked,
    stop: unasked,
    remove: unasked,
    lastOutput: async () => "",
    follow: (signal, onOpen) => {
      onOpen();
      return new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(new Error("ended")), { once: true }),
      );
    },
    close: () => undefined,
  };
}
