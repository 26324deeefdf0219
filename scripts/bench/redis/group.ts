/** One group of a master and replicas under somebody's care, as the benchmark sees it. */
export interface Group {
  readonly name: string;
  /** Who a client is sent to now. */
  locate(): Promise<GroupMaster | null>;
  /** Resolves to the master once everything stands. */
  ready(): Promise<GroupMaster>;
  switchover(): Promise<void>;
  /** What it has done so far, in its own words. */
  told(): readonly string[];
  end(): Promise<void>;
}

export interface GroupMaster {
  readonly host: string;
  readonly port: number;
  readonly container: string;
  /** Its address within Docker's network. */
  readonly inside: string;
}

/** The same for whoever is measured. */
export interface Settings {
  readonly image: string;
  readonly count: number;
  readonly command: readonly string[];
  readonly downAfterMs: number;
  readonly configuration: Readonly<Record<string, string>>;
}

export const settings: Settings = {
  image: "heal-demo/redis:1",
  count: 3,
  command: ["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"],
  downAfterMs: 1_000,
  configuration: { "min-replicas-to-write": "1", "min-replicas-max-lag": "2", "repl-ping-replica-period": "1" },
};

export async function settle(what: string, isSo: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A container's address in its first network. */
export function addressIn({
  Networks,
}: {
  readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>>;
}): string {
  return Object.values(Networks)[0]?.IPAddress ?? "";
}
