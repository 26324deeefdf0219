import type { Registration } from "../model/instance.ts";
import type { Known } from "../model/known.ts";
import { known, unknown } from "../model/known.ts";
import type { Clock } from "../ports/clock.ts";
import type { Answer, NodeHealth, Registry } from "../ports/registry.ts";

export interface ServiceAnswer {
  readonly registrations: readonly Registration[];
  readonly index: number;
}

/** What Consul last said about each service, read again only when something hints that it has changed. */
export interface RegistryMirror {
  /** `default` may answer from what is known; `consistent` always asks. Never rejects. */
  service(name: string, consistency: "default" | "consistent"): Promise<Known<ServiceAnswer>>;
  nodes(): Promise<Known<readonly NodeHealth[]>>;
  /** Forgets what is known of these services; null: of all, and of the nodes. */
  invalidate(names: readonly string[] | null): void;
  invalidateNodes(): void;
  /** While hints cannot be relied on, everything is unknown: an old answer is not an answer. null: they can again. */
  setTrouble(reason: string | null): void;
}

/** A follower's answer that is older than this is no basis for a decision. */
const LAST_CONTACT_MAX_MS = 5_000;

export function openRegistryMirror(registry: Registry, clock: Clock): RegistryMirror {
  const services = new Map<string, Known<ServiceAnswer>>();
  let nodes: Known<readonly NodeHealth[]> | null = null;
  let trouble: string | null = null;

  return {
    async service(name, consistency) {
      if (consistency === "default") {
        if (trouble !== null) return unknown(trouble);
        const cached = services.get(name);
        if (cached?.kind === "known") return cached;
      }
      const fresh = await read(clock, () => registry.readService(name, { consistency }));
      const answer: Known<ServiceAnswer> =
        fresh.kind === "known"
          ? known({ registrations: fresh.value.value, index: fresh.value.index }, fresh.atMs)
          : fresh;
      services.set(name, answer);
      return answer;
    },
    async nodes() {
      if (nodes?.kind === "known") return nodes;
      const fresh = await read(clock, () => registry.readNodes({ consistency: "default" }));
      nodes = fresh.kind === "known" ? known(fresh.value.value, fresh.atMs) : fresh;
      return nodes;
    },
    invalidate(names) {
      if (names === null) {
        services.clear();
        nodes = null;
      } else for (const name of names) services.delete(name);
    },
    invalidateNodes() {
      nodes = null;
    },
    setTrouble(reason) {
      trouble = reason;
      services.clear();
      nodes = null;
    },
  };
}

async function read<T>(clock: Clock, ask: () => Promise<Answer<T>>): Promise<Known<Answer<T>>> {
  try {
    const answer = await ask();
    const doubt = doubtAbout(answer);
    return doubt === null ? known(answer, clock.steadyMs()) : unknown(doubt);
  } catch (error) {
    return unknown(`Consul: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Why an answer that came cannot be relied on, or null when it can. */
function doubtAbout({ knownLeader, lastContactMs, filtered, index }: Answer<unknown>): string | null {
  if (!knownLeader) return "Consul has no leader";
  if (lastContactMs > LAST_CONTACT_MAX_MS) return `Consul's answer is ${Math.round(lastContactMs / 1000)} s old`;
  if (filtered) return "Consul left out what the token may not read";
  if (index < 1) return "Consul's answer has no index";
  return null;
}
