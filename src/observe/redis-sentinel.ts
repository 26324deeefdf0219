import type { Known } from "../model/known.ts";
import { known, unknown } from "../model/known.ts";
import type { RedisAddress } from "../model/redis.ts";
import { isSameAddress } from "../model/redis.ts";
import type { Service } from "../model/service.ts";
import type { Clock } from "../ports/clock.ts";
import type { Redis } from "../ports/redis.ts";

/** Who the Sentinels take for the master, of the services that leave the decision to them. */
export interface SentinelWatch {
  /** null for a service that asks no Sentinel. Never rejects. */
  look(service: Service): Promise<Known<RedisAddress> | null>;
  /** Asks again; tells whether another answer came than the last time. */
  hasChanged(service: Service): Promise<boolean>;
}

const ANSWER_WITHIN_MS = 500;

export function openSentinelWatch(nodes: Redis, clock: Clock): SentinelWatch {
  const last = new Map<string, RedisAddress | null>();

  const ask = async ({ redis }: Service): Promise<Known<RedisAddress> | null> => {
    if (redis?.sentinel == null || redis.authority !== "sentinel") return null;
    const reasons: string[] = [];
    for (const text of redis.sentinel.addresses) {
      const at = { address: addressOf(text), login: null, tls: null };
      try {
        return known(await nodes.masterBySentinel(at, redis.sentinel.masterName, ANSWER_WITHIN_MS), clock.steadyMs());
      } catch (error) {
        reasons.push(error instanceof Error ? error.message : String(error));
      }
    }
    return unknown(`no Sentinel answers: ${reasons.join("; ")}`);
  };
  return {
    async look(service) {
      const answer = await ask(service);
      last.set(service.name, answer?.kind === "known" ? answer.value : null);
      return answer;
    },
    async hasChanged(service) {
      const before = last.get(service.name) ?? null;
      const answer = await ask(service);
      if (answer === null) return false;
      const now = answer.kind === "known" ? answer.value : null;
      last.set(service.name, now);
      return now === null || before === null ? now !== before : !isSameAddress(now, before);
    },
  };
}

function addressOf(text: string): RedisAddress {
  const colon = text.lastIndexOf(":");
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}
