import type { RedisRef } from "../model/redis.ts";
import type { Service } from "../model/service.ts";
import { RedisError } from "../ports/redis.ts";
import type { Hands } from "./hands.ts";
import { ActionRefused } from "./hands.ts";
import type { RedisAccess } from "./redis-access.ts";
import { endpointOf, rolesOf, toolsOf } from "./redis-access.ts";
import { replicasToWrite } from "./redis-configure.ts";

/** Redis lets its clients write again by itself after this, so that no crash of ours leaves them waiting. */
const HOLD_MS = 3_000;
/** More replicas than any master has: the largest number that Redis takes. */
const MORE_THAN_THERE_ARE = 2_147_483_647;

export interface HeldWrites {
  /**
   * `held`: nothing is written, and clients wait. `refused`: clients are told that there are too few replicas, though
   * scripts may still write, and transactions that were begun before.
   */
  readonly kind: "held" | "refused";
  /** Lets clients write again. What cannot be asked any more is left: the next look tells it the service's settings. */
  letGo(): Promise<void>;
}

/** Stops a master's clients from writing, by what it knows: `CLIENT PAUSE … WRITE` is of Redis 6.2. */
export async function holdWrites(
  hands: Hands,
  service: Service,
  access: RedisAccess,
  master: RedisRef,
): Promise<HeldWrites> {
  const { nodes } = toolsOf(hands);
  const at = endpointOf(access, master);
  hands.fence();
  try {
    await nodes.pauseWrites(at, HOLD_MS);
    return { kind: "held", letGo: () => nodes.pauseWrites(at, 0).catch(ignoreRedis) };
  } catch (error) {
    if (!(error instanceof RedisError) || error.kind !== "failing") throw error;
  }
  hands.fence();
  const refused = await nodes.configure(at, replicasToWrite(service, MORE_THAN_THERE_ARE));
  const letGo = async (): Promise<void> => {
    const settings = replicasToWrite(service, rolesOf(service).minReplicasToWrite);
    await nodes.configure(at, settings).catch(ignoreRedis);
  };
  if (refused.length === 0) return { kind: "refused", letGo };
  await letGo();
  throw new ActionRefused(`${master.name} can neither hold nor refuse writes: ${refused.join("; ")}`, "never");
}

export function ignoreRedis(error: unknown): void {
  if (!(error instanceof RedisError)) throw error;
}
