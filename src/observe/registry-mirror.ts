import type { Registration } from "../model/instance.ts";
import type { Known } from "../model/known.ts";
import { known, unknown } from "../model/known.ts";
import type { Clock } from "../ports/clock.ts";
import type { Answer, NodeHealth, ReadOptions, Registry } from "../ports/registry.ts";
import { openAnswers } from "./answers.ts";

export interface ServiceAnswer {
  readonly registrations: readonly Registration[];
  readonly index: number;
}

/** What Consul last said about each service, read again only when something hints that it has changed. */
export interface RegistryMirror {
  /** `default` may answer from what is known; `consistent` always asks. Never rejects. */
  service(name: string, consistency: "default" | "consistent"): Promise<Known<ServiceAnswer>>;
  /** At most a second old: whether a host is lost hangs on it. */
  nodes(): Promise<Known<readonly NodeHealth[]>>;
  /** Forgets what is known of these services; null: of all, and of the nodes. */
  invalidate(names: readonly string[] | null): void;
  invalidateNodes(): void;
  /** Forgets the nodes and what has been known longest: for a resync, which has nothing to tell but that time has passed. */
  invalidateOldest(): void;
  /** While hints cannot be relied on, everything is unknown: an old answer is not an answer. null: they can again. */
  setTrouble(reason: string | null): void;
}

/** A follower's answer that is older than this is no basis for a decision. */
const LAST_CONTACT_MAX_MS = 5_000;
const NODES_AGE_MAX_MS = 1_000;
/**
 * Blocking queries miss nothing, so that reading everything anew is only a second line of defence: it goes round in ten
 * resyncs. A thousand reads a minute would cost more than all the rest of an idle daemon.
 */
const RESYNC_SHARE = { atLeast: 50, ofAll: 0.1 };

export function openRegistryMirror(registry: Registry, clock: Clock): RegistryMirror {
  const services = openAnswers<ServiceAnswer>(clock);
  const nodes = openAnswers<readonly NodeHealth[]>(clock);
  let trouble: string | null = null;

  const askService = async (name: string, options: ReadOptions): Promise<Known<ServiceAnswer>> => {
    const answer = await read(clock, () => registry.readService(name, options));
    if (answer.kind === "unknown") return answer;
    return known({ registrations: answer.value.value, index: answer.value.index }, answer.atMs);
  };
  const askNodes = async (): Promise<Known<readonly NodeHealth[]>> => {
    const answer = await read(clock, () => registry.readNodes({ consistency: "default" }));
    return answer.kind === "known" ? known(answer.value.value, answer.atMs) : answer;
  };

  return {
    async service(name, consistency) {
      if (consistency === "default") {
        if (trouble !== null) return unknown(trouble);
        const kept = services.kept(name);
        if (kept !== null) return kept;
      }
      return services.ask(name, (asOfMs) =>
        askService(name, consistency === "default" ? { consistency, asOfMs } : { consistency }),
      );
    },
    nodes: async () => nodes.kept("", NODES_AGE_MAX_MS) ?? nodes.ask("", askNodes),
    invalidate(names) {
      if (names !== null) {
        for (const name of names) services.forget(name);
        return;
      }
      services.forget(null);
      nodes.forget(null);
    },
    invalidateNodes: () => nodes.forget(null),
    invalidateOldest() {
      services.forgetOldest(RESYNC_SHARE);
      nodes.forget(null);
    },
    setTrouble(reason) {
      trouble = reason;
      services.forget(null);
      nodes.forget(null);
    },
  };
}

async function read<T>(clock: Clock, ask: () => Promise<Answer<T>>): Promise<Known<Answer<T>>> {
  try {
    const answer = await ask();
    const doubt = doubtAbout(answer);
    return doubt === null ? known(answer, answer.asOfMs ?? clock.steadyMs()) : unknown(doubt);
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
