import { Redis } from "ioredis";
import type { RedisHeal, TaggedRegistration } from "./redis-heal.ts";
import { until } from "./redis-heal.ts";

/** The whole group stands: one tagged master, everybody else a tagged replica, all passing. */
export async function whole(heal: RedisHeal, count = 3, withinMs = 60_000): Promise<TaggedRegistration> {
  const all = await until(
    "one master and its replicas, tagged and passing",
    () => heal.registrations(),
    (found) =>
      found.length === count &&
      found.every(({ passing }) => passing) &&
      found.filter(({ tags }) => tags.includes("master")).length === 1 &&
      found.filter(({ tags }) => tags.includes("slave")).length === count - 1,
    withinMs,
  );
  const master = all.find(({ tags }) => tags.includes("master"));
  if (master === undefined) throw new Error("no master");
  return master;
}

export async function newMaster(
  heal: RedisHeal,
  not: TaggedRegistration,
  withinMs = 30_000,
): Promise<TaggedRegistration> {
  const master = await until(
    `another master than ${not.container}`,
    () => heal.master(),
    (found) => found !== null && found.container !== not.container,
    withinMs,
  );
  if (master === null) throw new Error("no master");
  return master;
}

export async function pidOf(heal: RedisHeal, container: string): Promise<number> {
  const { State } = await heal.docker.getContainer(container).inspect();
  return State.Pid;
}

export async function signal(heal: RedisHeal, container: string, name: NodeJS.Signals): Promise<void> {
  process.kill(await pidOf(heal, container), name);
}

/** One command by hand. */
export async function ask(
  at: { readonly address: string; readonly port: number },
  ...words: string[]
): Promise<unknown> {
  const client = new Redis({ host: at.address, port: at.port, maxRetriesPerRequest: 1, retryStrategy: () => null });
  client.on("error", () => undefined);
  try {
    return await client.call(words[0] ?? "PING", ...words.slice(1));
  } finally {
    client.disconnect();
  }
}

export async function roleOf(at: TaggedRegistration): Promise<string> {
  return String(((await ask(at, "ROLE")) as readonly unknown[])[0]);
}

/** Reads consistently for as long as it runs, and tells how many masters were ever seen at once. */
export function watchMasters(heal: RedisHeal): { stop(): Promise<{ readonly most: number; readonly reads: number }> } {
  let stopped = false;
  let most = 0;
  let reads = 0;
  const done = (async () => {
    while (!stopped) {
      const found = await heal.registrations().catch(() => []);
      most = Math.max(most, found.filter(({ tags }) => tags.includes("master")).length);
      reads += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    async stop() {
      stopped = true;
      await done;
      return { most, reads };
    },
  };
}
