import type { Service } from "../model/service.ts";
import type { Clock } from "../ports/clock.ts";
import type { Compose } from "../ports/compose.ts";
import type { Engine } from "../ports/engine.ts";
import type { Redis, RoleTags } from "../ports/redis.ts";
import type { Registry } from "../ports/registry.ts";
import type { Swarm } from "../ports/swarm.ts";
import type { Starts } from "./starts.ts";

/** What acting needs of the world, for one pass. */
export interface Hands extends Tools, Permit {
  readonly starts: Starts;
}

/** What a pass brings along to act. */
export interface Permit {
  /** Throws `Fenced` when the pass may not act (any more); else the sequencer to stamp on what is created. */
  readonly fence: () => string;
  /**
   * Resolves once Memory says what is about to happen, and rejects with `Fenced` when it could not be made to. Nothing
   * that has an effect is sent before; only a container may be created, which runs nothing until it is started.
   */
  readonly writtenDown: () => Promise<void>;
}

/** What acting needs of the world, whichever pass it is for. */
export interface Tools {
  readonly environment: string;
  readonly engines: Readonly<Record<string, Engine>>;
  /** Address under which a host's instances are registered; null: the one of the agent's node. */
  readonly hostAddresses: Readonly<Record<string, string | null>>;
  readonly swarm: Swarm | null;
  readonly compose: Compose | null;
  readonly registry: Registry;
  readonly clock: Clock;
  /** Containers started at the same time on one host. */
  readonly startsPerHost: number;
  /** Values of a service's environment that are kept elsewhere; rejects with `ActionRefused` when one cannot be had. */
  readonly secrets: {
    file(path: string): Promise<string>;
    variable(name: string): string | null;
  };
  /** Why a service breaks the policy, or null: asked once more right before Docker sees its specification. */
  readonly policyBreach: (service: Service) => string | null;
  /** Absent where no service can have Redis roles. */
  readonly redis?: RedisTools;
}

export interface RedisTools {
  readonly nodes: Redis;
  readonly tags: RoleTags;
}

/** Nothing may be sent any more: leadership has ended, or was never had. */
export class Fenced extends Error {
  override readonly name = "Fenced";
}

/** An action that cannot be done as things stand; `retry` says what is next. */
export class ActionRefused extends Error {
  override readonly name = "ActionRefused";
  readonly retry: "later" | "never";
  constructor(message: string, retry: "later" | "never", options?: ErrorOptions) {
    super(message, options);
    this.retry = retry;
  }
}

/** The engine of a host; an unknown name is refused, since settings and Memory may be of different days. */
export function engineOf(hands: Hands, host: string): Engine {
  const engine = hands.engines[host];
  if (engine === undefined) throw new ActionRefused(`host ${host} is not in the settings`, "later");
  return engine;
}
