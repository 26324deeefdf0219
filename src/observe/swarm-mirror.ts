import type { Known } from "../model/known.ts";
import { known, unknown } from "../model/known.ts";
import type { Clock } from "../ports/clock.ts";
import type { Swarm, SwarmNode, SwarmService, SwarmTask } from "../ports/swarm.ts";
import { openAnswers } from "./answers.ts";

export interface SwarmView {
  readonly service: SwarmService;
  readonly tasks: readonly SwarmTask[];
}

/** What the Swarm managers last said; null where there is no such service. */
export interface SwarmMirror {
  service(name: string, fresh: boolean): Promise<Known<SwarmView | null>>;
  /** At most a second old: whether a host is lost hangs on it. Unknown when the managers take longer than that to answer. */
  nodes(): Promise<Known<readonly SwarmNode[]>>;
  /** null: everything. */
  invalidate(name: string | null): void;
}

const NODES_AGE_MAX_MS = 1_000;
/**
 * Managers may hang while they elect a leader, or when the one that is asked is on the host that died. Consul's word is
 * enough then, and nobody's pass is to wait for theirs.
 */
const NODES_WITHIN_MS = 1_000;

/** The mirror of an environment without a Swarm: nothing is ever found. */
export const noSwarmMirror: SwarmMirror = {
  service: async () => known(null, 0),
  nodes: async () => known([], 0),
  invalidate: () => undefined,
};

export function openSwarmMirror(swarm: Swarm, clock: Clock): SwarmMirror {
  const services = openAnswers<SwarmView | null>(clock);
  const nodes = openAnswers<readonly SwarmNode[]>(clock);
  const askService = (name: string) =>
    ask(clock, async () => {
      const service = await swarm.find(name);
      return service === null ? null : { service, tasks: await swarm.tasks(name) };
    });
  let asking: Promise<Known<readonly SwarmNode[]>> | null = null;
  const askNodes = (): Promise<Known<readonly SwarmNode[]>> => {
    if (asking === null) {
      const mine = nodes.ask("", () => ask(clock, () => swarm.nodes()));
      asking = mine;
      void mine.then(() => (asking = asking === mine ? null : asking));
    }
    return within(clock, NODES_WITHIN_MS, asking);
  };
  return {
    service: async (name, fresh) => (fresh ? null : services.kept(name)) ?? services.ask(name, () => askService(name)),
    nodes: async () => nodes.kept("", NODES_AGE_MAX_MS) ?? askNodes(),
    invalidate(name) {
      services.forget(name);
      if (name !== null) return;
      nodes.forget(null);
      // What was asked before says nothing of what has changed since.
      asking = null;
    },
  };
}

async function ask<T>(clock: Clock, question: () => Promise<T>): Promise<Known<T>> {
  try {
    return known(await question(), clock.steadyMs());
  } catch (error) {
    return unknown(`the Swarm managers do not answer: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function within<T>(clock: Clock, ms: number, answer: Promise<Known<T>>): Promise<Known<T>> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => resolve(unknown(`the Swarm managers have not answered within ${ms} ms`)));
    void answer.then((value) => {
      cancel();
      resolve(value);
    });
  });
}
