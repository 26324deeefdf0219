/** What an engine says happened to the containers of one environment, in its own order. */
import http from "node:http";

export interface EngineEvent {
  readonly action: string;
  readonly name: string;
  readonly id: string;
  readonly atMs: number;
}

/** What is read of it throws when the engine has ended the stream: that nothing came would mean nothing then. */
export interface EventLog {
  /** Only what heal can cause or must not cause: create, start, die, destroy, stop, pause, … but no execs. */
  all(): readonly EngineEvent[];
  /** The events after `mark()` was taken. */
  mark(): number;
  since(mark: number): readonly EngineEvent[];
  /** All that came, also when the engine has ended since. */
  untilItEnded(): readonly EngineEvent[];
  close(): void;
}

/** Follows the engine's events from before the call returns. Rejects when the stream cannot be had. */
export async function openEventLog(docker: string, environment: string): Promise<EventLog> {
  const filters = JSON.stringify({ type: ["container"], label: [`heal.environment=${environment}`] });
  const address = new URL(docker);
  const where =
    address.protocol === "unix:" ? { socketPath: address.pathname } : { host: address.hostname, port: address.port };
  // The engine subscribes a moment after it has answered: from a second ago on nothing is missed.
  const since = Math.floor(Date.now() / 1_000) - 1;
  const path = `/events?since=${since}&filters=${encodeURIComponent(filters)}`;
  const events: EngineEvent[] = [];
  let rest = "";
  const request = http.request({ ...where, path, headers: { Host: "docker" } });
  request.end();
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once("response", resolve).once("error", reject);
  });
  response.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") keep(events, line);
  });
  let ended: Error | null = null;
  const note = (error?: Error): void => void (ended ??= new Error("the engine ended its events", { cause: error }));
  response.on("error", note).on("end", note);
  request.on("error", note);
  const whole = (): readonly EngineEvent[] => {
    if (ended !== null) throw ended;
    return events;
  };
  return {
    all: () => [...whole()],
    mark: () => whole().length,
    since: (mark) => whole().slice(mark),
    untilItEnded: () => [...events],
    close: () => request.destroy(),
  };
}

/**
 * Names of the containers that were started, one for each start. Throws when one that was only created is still there:
 * what `heal` creates while Memory is being written, and may not start then, is to be cleared away.
 */
export function startedOf(events: readonly EngineEvent[]): readonly string[] {
  const idsOf = (action: string): ReadonlySet<string> =>
    new Set(events.filter((event) => event.action === action).map(({ id }) => id));
  const [started, destroyed] = [idsOf("start"), idsOf("destroy")];
  const left = events.filter(({ action, id }) => action === "create" && !started.has(id) && !destroyed.has(id));
  if (left.length > 0)
    throw new Error(`created, never started and still there: ${left.map(({ name }) => name).join()}`);
  return events.filter(({ action }) => action === "start").map(({ name }) => name);
}

function keep(events: EngineEvent[], line: string): void {
  const { Action, Actor, timeNano } = JSON.parse(line) as {
    readonly Action: string;
    readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
    readonly timeNano: number;
  };
  if (Action.startsWith("exec_")) return;
  events.push({ action: Action, name: Actor.Attributes["name"] ?? "", id: Actor.ID, atMs: timeNano / 1e6 });
}
