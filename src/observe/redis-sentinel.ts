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
  /** Listens to the Sentinels of these services and to no others; tells a service whose master one has replaced. */
  listen(services: readonly Service[], told: (service: Service) => void, signal: AbortSignal): void;
}

const ANSWER_WITHIN_MS = 500;

export function openSentinelWatch(nodes: Redis, clock: Clock): SentinelWatch {
  const last = new Map<string, RedisAddress | null>();
  const listening = new Map<string, AbortController>();

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
    listen(services, told, signal) {
      const wanted = new Map(services.flatMap((service) => sourcesOf(service)));
      for (const [key, ending] of listening) {
        if (wanted.has(key)) continue;
        ending.abort();
        listening.delete(key);
      }
      for (const [key, { service, address, masterName }] of wanted) {
        if (listening.has(key)) continue;
        const ending = new AbortController();
        listening.set(key, ending);
        const tell = (name: string | null): void => {
          if (name === null || name === masterName) told(service);
        };
        const until = AbortSignal.any([signal, ending.signal]);
        void nodes.followSentinel({ address, login: null, tls: null }, tell, until);
      }
    },
  };
}

interface Source {
  readonly service: Service;
  readonly address: RedisAddress;
  readonly masterName: string;
}

/** What is to be listened to for a service, under a key that changes with it. */
function sourcesOf(service: Service): readonly (readonly [string, Source])[] {
  const { redis } = service;
  if (redis?.sentinel == null || redis.authority !== "sentinel") return [];
  const { addresses, masterName } = redis.sentinel;
  return addresses.map((text) => [
    `${service.name} ${text} ${masterName}`,
    { service, address: addressOf(text), masterName },
  ]);
}

function addressOf(text: string): RedisAddress {
  const colon = text.lastIndexOf(":");
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}
