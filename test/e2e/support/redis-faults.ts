import { Redis } from "ioredis";
import { mustRun } from "../../../scripts/machine/processes.ts";
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

/** The others than the master, in no order. */
export async function replicasOf(heal: RedisHeal, master: TaggedRegistration): Promise<readonly TaggedRegistration[]> {
  return (await heal.registrations()).filter(({ id }) => id !== master.id);
}

/** Resolves once the service's Redis roles stand so in heal's own word. */
export async function standsAs(heal: RedisHeal, kind: string, withinMs = 30_000): Promise<void> {
  await until(
    `the roles to be ${kind}`,
    async () => heal.decisions()?.plan.services[heal.service]?.standing.redis?.kind,
    (now) => now === kind,
    withinMs,
  );
}

/** Drops packets of the container's network that match; `iptables` words after the chain. Resolves to the way back. */
export async function dropPackets(
  heal: RedisHeal,
  container: string,
  ...rules: readonly (readonly string[])[]
): Promise<() => Promise<void>> {
  const enter = ["-t", String(await pidOf(heal, container)), "-n", "iptables"];
  for (const rule of rules) await mustRun("nsenter", [...enter, "-I", ...rule, "-j", "DROP"]);
  return async () => void (await mustRun("nsenter", [...enter, "-F"]));
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

/** Resolves once every node holds `kept`: to be acknowledged by the master alone is not to survive it. */
export async function allHold(
  heal: RedisHeal,
  get: (at: TaggedRegistration) => Promise<unknown> = (at) => ask(at, "GET", "kept"),
): Promise<void> {
  await until(
    "every node to hold what is to be kept",
    async () => Promise.all((await heal.registrations()).map((at) => get(at).catch(() => "no answer"))),
    (values) => values.every((value) => value === "yes"),
  );
}

/** Writes `kept` to the master, and waits until all have it. */
export async function keep(heal: RedisHeal, master: TaggedRegistration): Promise<void> {
  await ask(master, "SET", "kept", "yes");
  await allHold(heal);
}

export async function roleOf(at: TaggedRegistration): Promise<string> {
  return String(((await ask(at, "ROLE")) as readonly unknown[])[0]);
}
