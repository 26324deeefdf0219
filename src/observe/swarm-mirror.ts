import type { Known } from "../model/known.ts";
import { known, unknown } from "../model/known.ts";
import type { Clock } from "../ports/clock.ts";
import type { Swarm, SwarmNode, SwarmService, SwarmTask } from "../ports/swarm.ts";

export interface SwarmView {
  readonly service: SwarmService;
  readonly tasks: readonly SwarmTask[];
}

/** What the Swarm managers last said; null where there is no such service. */
export interface SwarmMirror {
  service(name: string, fresh: boolean): Promise<Known<SwarmView | null>>;
  nodes(): Promise<Known<readonly SwarmNode[]>>;
  /** null: everything. */
  invalidate(name: string | null): void;
}

/** The mirror of an environment without a Swarm: nothing is ever found. */
export const noSwarmMirror: SwarmMirror = {
  service: async () => known(null, 0),
  nodes: async () => known([], 0),
  invalidate: () => undefined,
};

export function openSwarmMirror(swarm: Swarm, clock: Clock): SwarmMirror {
  const services = new Map<string, Known<SwarmView | null>>();
  let nodes: Known<readonly SwarmNode[]> | null = null;
  return {
    async service(name, fresh) {
      const cached = services.get(name);
      if (!fresh && cached?.kind === "known") return cached;
      const view = await ask(clock, async () => {
        const service = await swarm.find(name);
        return service === null ? null : { service, tasks: await swarm.tasks(name) };
      });
      services.set(name, view);
      return view;
    },
    async nodes() {
      if (nodes?.kind !== "known") nodes = await ask(clock, () => swarm.nodes());
      return nodes;
    },
    invalidate(name) {
      if (name !== null) {
        services.delete(name);
        return;
      }
      services.clear();
      nodes = null;
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
