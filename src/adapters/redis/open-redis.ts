import { isIP } from "node:net";
import type { Redis as Client } from "ioredis";
import type { RedisAddress, RedisNode } from "../../model/redis.ts";
import type { Redis, RedisEndpoint } from "../../ports/redis.ts";
import { RedisError } from "../../ports/redis.ts";
import { openConnections } from "./connections.ts";
import { asRedisError } from "./failures.ts";
import { parseInfo } from "./parse-info.ts";
import { followSentinel } from "./sentinel-events.ts";

const COMMAND_MS = 1_000;
const SAVE_POLL_MS = 50;
const sections = ["server", "replication", "persistence", "keyspace"] as const;

/** Redis processes over ioredis. Connects when first asked. */
export function openRedis(): Redis {
  const connections = openConnections();
  const command = (at: RedisEndpoint, words: readonly string[], deadlineMs = COMMAND_MS): Promise<unknown> =>
    connections.use(at, deadlineMs, (client) => client.call(words[0] ?? "", ...words.slice(1)));

  return {
    look: (at, deadlineMs) =>
      connections.use(at, deadlineMs, async (client) => {
        // In one packet: Redis before 7 takes one section at a time, and each of its own would be a system call more.
        const answers = (await client.pipeline(sections.map((section) => ["info", section])).exec()) ?? [];
        const texts = answers.map(([error, text]) => {
          if (error !== null) throw error;
          return String(text);
        });
        return { ...parseInfo(texts.join("\n")), ...whereItsNameLed(at, client) };
      }),

    async follow(at, master) {
      const words = master === null ? ["NO", "ONE"] : [safe(master.host), String(master.port)];
      await command(at, ["REPLICAOF", ...words]);
    },

    configure: (at, settings) =>
      connections.use(at, COMMAND_MS * 2, async (client) => {
        const refused: string[] = [];
        // One after the other: the password must be set before whoever reads the next line may look for it.
        for (const { name, value } of settings) {
          const text = typeof value === "string" ? value : value.reveal();
          await client.call("CONFIG", "SET", name, text).catch(async (error: unknown) => {
            const known = asRedisError(error, name);
            if (known.kind !== "failing") throw known;
            if (!(await underItsOldName(client, name, text))) refused.push(`${name} (${known.message})`);
          });
        }
        return refused;
      }),

    async pauseWrites(at, forMs) {
      await command(at, forMs === 0 ? ["CLIENT", "UNPAUSE"] : ["CLIENT", "PAUSE", String(forMs), "WRITE"]);
    },

    save: (at, deadlineMs) => connections.use(at, deadlineMs, saveAndLocate),

    async masterBySentinel(at, masterName, deadlineMs) {
      const answer = await command(at, ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName], deadlineMs);
      if (!Array.isArray(answer)) throw new RedisError("failing", `Sentinel knows no master called ${masterName}`);
      return { host: String(answer[0]), port: Number(answer[1]) };
    },

    followSentinel,

    close: connections.close,
  };
}

function whereItsNameLed({ address }: RedisEndpoint, { stream }: Client): Pick<RedisNode, "resolvedTo"> {
  const { remoteAddress } = stream;
  return isIP(address.host) !== 0 || remoteAddress === undefined ? {} : { resolvedTo: remoteAddress };
}

/** Redis before 5 calls replicas slaves. */
async function underItsOldName(client: Client, name: string, value: string): Promise<boolean> {
  const old = name.replace("replicas", "slaves").replace("replica", "slave");
  if (old === name) return false;
  return client.call("CONFIG", "SET", old, value).then(
    () => true,
    () => false,
  );
}

/**
 * Saves in the background, so that nobody waits, and waits until a save that began after now is over. What is under way
 * already may have begun earlier, or be a replica's copy that leaves no file: it is waited for, and a save asked for again.
 */
async function saveAndLocate(client: Client): Promise<string> {
  for (let begun = false; ;) {
    begun ||= await client.call("BGSAVE").then(
      () => true,
      (error: Error) => {
        if (/in progress|another child process/i.test(error.message)) return false;
        throw error;
      },
    );
    const info = await client.info("persistence");
    if (begun && /^rdb_bgsave_in_progress:0/m.test(info)) {
      if (!/^rdb_last_bgsave_status:ok/m.test(info)) throw new RedisError("failing", "its data could not be saved");
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, SAVE_POLL_MS));
  }
  const value = async (name: string): Promise<string> => String(((await client.config("GET", name)) as string[])[1]);
  return `${(await value("dir")).replace(/\/$/, "")}/${await value("dbfilename")}`;
}

/** An address comes from Docker or from the process itself: never let it be taken for an option or a second line. */
function safe(host: RedisAddress["host"]): string {
  if (/^[A-Za-z0-9_.:-]{1,253}$/.test(host)) return host;
  throw new RedisError("failing", "the address holds characters that no address has");
}
