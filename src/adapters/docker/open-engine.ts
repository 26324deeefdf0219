import type { Container } from "../../model/instance.ts";
import { type Engine, EngineError } from "../../ports/engine.ts";
import { type ConnectionOptions, DockerConnection } from "./connection.ts";
import type { Share } from "../shared-texts.ts";
import { createAndStart } from "./create-container.ts";
import type { EngineEndpoint } from "./endpoint.ts";
import { refusedBecause } from "./errors.ts";
import { Identity } from "./identity.ts";
import type { Listing } from "./list-containers.ts";
import { listContainers } from "./list-containers.ts";
import { outputText } from "./output-text.ts";
import { parseInspected } from "./parse-container.ts";
import { eventFilters, parseEvent } from "./parse-event.ts";
import { runInContainer } from "./run-in-container.ts";

/** How long each call may take, connecting included. A stop has its grace time on top. */
export interface EngineDeadlines {
  readonly infoMs: number;
  readonly listMs: number;
  readonly inspectMs: number;
  readonly createMs: number;
  readonly startMs: number;
  readonly stopMs: number;
  readonly removeMs: number;
  readonly pullMs: number;
  readonly logsMs: number;
}

const defaultDeadlines: EngineDeadlines = {
  infoMs: 10_000,
  listMs: 10_000,
  inspectMs: 5_000,
  createMs: 30_000,
  startMs: 30_000,
  stopMs: 15_000,
  removeMs: 30_000,
  pullMs: 120_000,
  logsMs: 10_000,
};

export interface EngineOptions extends ConnectionOptions {
  readonly deadlines?: Partial<EngineDeadlines>;
  /** Of all engines together: services have their instances on many. */
  readonly share?: Share;
}

/** The port, and the connection behind it, which a Swarm manager's adapter uses too. */
export interface OpenEngine extends Engine {
  readonly connection: DockerConnection;
}

const goneRetryMs = 50;

/**
 * An engine of the environment. Connects with the first call, not here; throws an Error for an address that cannot be
 * one. In the common case `start` costs three requests (create, start, inspect) and `list` one.
 */
export function openEngine(host: string, endpoint: EngineEndpoint, options: EngineOptions): OpenEngine {
  const connection = new DockerConnection(host, endpoint, options);
  const deadlines = { ...defaultDeadlines, ...options.deadlines };
  const identity = new Identity(connection, deadlines.infoMs);
  const inspected = new Map<string, Container>();

  const inspect = async (idOrName: string): Promise<Container | null> => {
    const container = await unlessGone(() =>
      connection.call(`inspect ${idOrName}`, deadlines.inspectMs, async (docker) =>
        parseInspected(
          await docker.getContainer(checked(idOrName)).inspect(),
          host,
          connection.engineClock,
          options.share,
        ),
      ),
    );
    if (container === null) inspected.delete(idOrName);
    else inspected.set(container.id, container);
    return container;
  };

  const listing: Listing = {
    connection,
    listMs: deadlines.listMs,
    inspect,
    inspected,
    underWay: new Map(),
    last: null,
  };

  const remove = async (id: string): Promise<void> => {
    try {
      await unlessGone(() =>
        connection.call(`remove ${id}`, deadlines.removeMs, (docker) =>
          // `v` takes the anonymous volumes along; named ones stay.
          docker.getContainer(checked(id)).remove({ force: true, v: true }),
        ),
      );
    } catch (error) {
      if (!refusedBecause(error, 409, /already in progress/)) throw error;
      await untilGone(id);
    }
    inspected.delete(id);
  };

  const inspectStarted = async (id: string): Promise<Container> => {
    try {
      const container = await inspect(id);
      if (container !== null) return container;
    } catch (error) {
      throw new EngineError("unclear", `started, but: ${(error as Error).message}`, { cause: error });
    }
    throw new EngineError("unclear", `${host}: ${id} was started and is gone already`);
  };

  const untilGone = async (id: string): Promise<void> => {
    const giveUpAtMs = connection.clock.steadyMs() + deadlines.removeMs;
    while ((await inspect(id)) !== null) {
      if (connection.clock.steadyMs() >= giveUpAtMs) {
        throw new EngineError("unclear", `${host}: ${id} is being removed by somebody and is still there`);
      }
      await connection.clock.sleep(goneRetryMs);
    }
  };

  return {
    host,
    connection,
    ping: (over) => identity.read(over),
    list: (filter) => listContainers(listing, filter),
    inspect,
    async start(creation, mayGoOn = () => undefined) {
      const id = await createAndStart(connection, deadlines, creation, mayGoOn, remove);
      return inspectStarted(id);
    },
    async stop(id, graceMs) {
      // The engine counts in seconds.
      const options = { t: Math.ceil(graceMs / 1_000) };
      await unlessGone(() =>
        unlessUnchanged(() =>
          connection.call(`stop ${id}`, options.t * 1_000 + deadlines.stopMs, (docker) =>
            docker.getContainer(checked(id)).stop(options),
          ),
        ),
      );
    },
    remove,
    run: (id, command, deadlineMs) => runInContainer(connection, checked(id), command, deadlineMs),
    lastOutput: (id, lines) =>
      connection.call(`read the output of ${id}`, deadlines.logsMs, async (docker) =>
        outputText(await docker.getContainer(checked(id)).logs({ stdout: true, stderr: true, tail: lines })),
      ),
    follow: (signal, onOpen, onEvent) =>
      connection.follow(eventFilters, signal, onOpen, (value) => {
        const event = parseEvent(value, connection.engineClock);
        if (event !== null) onEvent(event);
      }) as Promise<never>,
    close: () => connection.close(),
  };
}

/** Only the engine's own sentence counts: any other 404 is somebody in between who knows nothing of containers. */
async function unlessGone<T>(call: () => Promise<T>): Promise<T | null> {
  try {
    return await call();
  } catch (error) {
    if (refusedBecause(error, 404, /no such container/i)) return null;
    throw error;
  }
}

/** 304: it is stopped already. */
async function unlessUnchanged(call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!refusedBecause(error, 304, /./)) throw error;
  }
}

/** Ids and names go into paths. */
function checked(idOrName: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(idOrName)) return idOrName;
  throw new EngineError("refused", `"${idOrName}" is no name of a container`);
}
