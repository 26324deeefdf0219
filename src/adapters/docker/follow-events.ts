import { EngineError, type EngineEvent } from "../../ports/engine.ts";
import type { DockerConnection } from "./connection.ts";
import { JsonLines } from "./json-lines.ts";
import { eventFilters, parseEvent } from "./parse-event.ts";

/**
 * Follows the events of containers of interest until the signal fires. Asks for those since the engine's time just
 * before, because the engine answers a moment before it subscribes: an event of the last second may come again, none
 * is missed. Rejects with `EngineError` when the stream cannot be had, ends, or holds what cannot be read.
 */
export async function followEvents(
  connection: DockerConnection,
  openMs: number,
  signal: AbortSignal,
  onOpen: () => void,
  onEvent: (event: EngineEvent) => void,
): Promise<void> {
  const what = "follow events";
  const stop = new AbortController();
  const ended = AbortSignal.any([signal, stop.signal]);
  try {
    await connection.ping();
    const since = connection.engineClock.lastSeenSeconds();
    const options = { filters: eventFilters, ...(since === null ? {} : { since }) };
    const stream = await connection.call(what, openMs, (docker) => docker.getEvents(options), ended);
    onOpen();
    const lines = new JsonLines();
    for await (const chunk of stream) {
      for (const line of lines.push(chunk as Buffer)) {
        const event = parseEvent(line, connection.engineClock);
        if (event !== null && !signal.aborted) onEvent(event);
      }
    }
    throw new EngineError("unclear", `${connection.host}: the event stream ended`);
  } catch (error) {
    if (!signal.aborted) throw connection.errorFrom(error, what);
  } finally {
    stop.abort();
  }
}
