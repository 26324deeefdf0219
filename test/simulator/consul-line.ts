import { RegistryError } from "../../src/ports/registry.ts";
import type { Agent } from "./consul-agent.ts";
import type { ConsulKeys } from "./consul-sessions.ts";
import type { ConsulServers, Topic } from "./consul-servers.ts";
import type { Network } from "./network.ts";
import type { Process } from "./process.ts";
import { whenAborted } from "./when-aborted.ts";
import type { QueryWitness } from "./queries.ts";
import type { Rests } from "./rests.ts";
import { order } from "./wire.ts";
import type { Call, Line, Weather } from "./wire.ts";

/** What is wrong with Consul as a whole at the moment; faults write it, reads obey it. */
export interface ConsulConditions {
  /** The token's rights were taken away: refused, or filtered to nothing with a note. */
  acl: "open" | "denied" | "filtered";
  /** A deposed leader that does not know it yet answers `default` reads with an old picture. */
  defaultLagMs: number;
  /** `default` and `stale` reads answer 200 with nothing in it, as around an election. */
  empty: boolean;
}

export interface ConsulDeps {
  readonly process: Process;
  readonly agent: Agent;
  readonly servers: ConsulServers;
  readonly keys: ConsulKeys;
  readonly network: Network;
  readonly weather: Weather;
  readonly conditions: ConsulConditions;
  readonly queries?: QueryWitness;
  /** Waits that nothing can end but time are not played. */
  readonly rests?: Rests;
}

/** A line to one agent. What the agent cannot answer itself goes on to the servers. */
export function lineTo(deps: ConsulDeps, agent: Agent): Line {
  return {
    process: deps.process,
    server: agent,
    network: deps.network,
    weather: deps.weather,
    error: (kind, message) => new RegistryError(kind, message),
  };
}

/** Throws as a request that needs the leader fails. */
export function assertLeader({ agent, servers, conditions }: ConsulDeps): void {
  if (conditions.acl === "denied") throw new RegistryError("denied", "Permission denied");
  if (!agent.reachesServers() || !servers.hasLeader()) throw new RegistryError("no-leader", "No cluster leader");
}

export interface Blocking {
  readonly index?: number;
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

const usualDeadlineMs = 5_000;

/**
 * A read that is held back while the topic's index is not past the one given, as Consul does it: it answers when the
 * topic changes or the wait is over, and always with what is there then.
 */
export function blockingRead<T extends { readonly index: number }>(
  deps: ConsulDeps,
  name: string,
  topic: Topic,
  options: Blocking,
  answer: () => T,
): Promise<T> {
  const { servers, process } = deps;
  const { scheduler, dice } = process;
  const blocks = options.index !== undefined && options.index > 0;
  const waitMs = blocks ? (options.waitMs ?? 60_000) : 0;
  const call: Call = { name, mutates: false, deadlineMs: usualDeadlineMs + waitMs * (17 / 16) };
  if (options.signal?.aborted) return Promise.reject(new RegistryError("unreachable", "cancelled before it was asked"));
  // Who follows a topic can be told to stop; all else is a single look.
  const follows = options.signal !== undefined && process.alive();
  if (follows) deps.queries?.asked(process, `${name} ${topic}`, options.index ?? 0);

  const answered = order<T>(lineTo(deps, deps.agent), call, (reply) => {
    const { signal } = options;
    const cancelled = (): Error => new RegistryError("unclear", "cancelled");
    if (signal?.aborted) return reply.fail(cancelled());
    if (!reply.isAwaited()) return;
    const answerNow = (): void => {
      try {
        reply.ok(answer());
      } catch (error) {
        reply.fail(error as Error);
      }
    };
    const mustWait =
      blocks && servers.hasLeader() && deps.agent.reachesServers() && servers.indexOf(topic) <= options.index!;
    if (!mustWait) return answerNow();
    let over = false;
    const finish = (delayMs: number, run: () => void): void => {
      if (over) return;
      over = true;
      stopWaiting();
      timeout();
      forget();
      scheduler.after(delayMs, run);
    };
    const stopWaiting = servers.waitFor(topic, () => finish(deps.conditions.defaultLagMs + dice.int(1, 3), answerNow));
    let timeout = (): void => {};
    const waitFor = (ms: number): void => void (timeout = scheduler.after(ms, () => finish(0, answerNow)));
    if (deps.rests !== undefined && isFair(deps, name)) {
      reply.putOff();
      timeout = deps.rests.hold(() => {
        const leftMs = waitMs * dice.next();
        reply.expect(leftMs + usualDeadlineMs);
        waitFor(leftMs);
      });
    } else waitFor(waitMs + (waitMs / 16) * dice.next());
    const onAbort = (): void => finish(0, () => reply.fail(cancelled()));
    const forget = signal === undefined ? () => {} : whenAborted(signal, onAbort);
  });
  if (!follows) return answered;
  return answered.then((value) => {
    deps.queries?.answered(process, `${name} ${topic}`, value.index);
    return value;
  });
}

/** Whether nothing is wrong with Consul, the way to it, and what comes back. */
function isFair({ agent, weather, conditions }: ConsulDeps, name: string): boolean {
  const { acl, empty, defaultLagMs } = conditions;
  const isCalm = weather.isFair(agent.machine, name);
  return isCalm && agent.state() === "up" && acl === "open" && !empty && defaultLagMs === 0;
}
