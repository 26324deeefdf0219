/** Who cares for groups of a master and two replicas: `heal`, or Redis Sentinel. */
export interface Carer {
  readonly name: "heal" | "Sentinel";
  /** Who a client is sent to now. */
  locate(group: string): Promise<GroupMaster | null>;
  /** Resolves to the master once the group stands whole. */
  ready(group: string): Promise<GroupMaster>;
  switchover(group: string): Promise<void>;
  /** Starts again what a fault has ended, where that is not the carer's own business. */
  mend(group: string): Promise<void>;
  end(): Promise<void>;
}

export interface GroupMaster {
  readonly host: string;
  readonly port: number;
  /** Name of its container. */
  readonly container: string;
  readonly on: BenchHost;
}

/** An engine that the containers of groups run on. */
export interface BenchHost {
  readonly name: string;
  readonly docker: string;
  /** An address that containers on all hosts reach. */
  readonly address: string;
  readonly consul: string;
}

/** The same for whoever is measured. */
export const settings = {
  image: "heal-demo/redis:1",
  count: 3,
  command: ["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"],
  downAfterMs: 1_000,
  configuration: { "min-replicas-to-write": "1", "min-replicas-max-lag": "2", "repl-ping-replica-period": "1" },
} as const;

export async function settle(what: string, isSo: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
