import type { Redis as Client } from "ioredis";
import type { RedisEndpoint } from "../../ports/redis.ts";
import { RedisError } from "../../ports/redis.ts";
import { asRedisError } from "./failures.ts";

/** One connection per process, kept until anything goes wrong with it. */
export interface Connections {
  /**
   * Runs commands on the kept connection, or a new one; rejects with `RedisError`, `silent` at the deadline. What was not
   * an answer of the process itself ends the connection: for whoever comes next at once, for whoever still waits for an
   * answer on it when that has come, or is late.
   */
  use<T>(at: RedisEndpoint, deadlineMs: number, work: (client: Client) => Promise<T>): Promise<T>;
  close(): void;
}

interface Kept {
  readonly client: Client;
  readonly ready: Promise<void>;
  /** How many wait for an answer on it. */
  users: number;
}

/** A server without a password takes no `AUTH`; then the login is kept for the day it gets one. */
const noPasswordSet = /without any password configured|AUTH.*called without/i;

export function openConnections(): Connections {
  const kept = new Map<string, Kept>();

  function drop(key: string, entry: Kept): void {
    if (kept.get(key) === entry) kept.delete(key);
    if (entry.users === 0) entry.client.disconnect();
  }

  function open(Redis: typeof Client, key: string, at: RedisEndpoint): Kept {
    const client = new Redis({
      host: at.address.host,
      port: at.address.port,
      lazyConnect: true,
      // The newer protocol begins with a greeting that a server with a password refuses, and old ones do not know.
      protocol: 2,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      enableReadyCheck: false,
      disableClientInfo: true,
      connectionName: "heal",
      ...(at.tls === null
        ? {}
        : {
            tls: {
              ...(at.tls.ca === null ? {} : { ca: at.tls.ca }),
              ...(at.tls.certificate === null ? {} : { cert: at.tls.certificate }),
              ...(at.tls.key === null ? {} : { key: at.tls.key.reveal() }),
              ...(at.tls.serverName === null ? {} : { servername: at.tls.serverName }),
            },
          }),
    });
    // Commands fail with no more than that the connection is closed; why it is, is told here alone.
    let cause: unknown = null;
    client.on("error", (error: unknown) => (cause = error));
    const connected = client.connect().catch((error: unknown) => {
      throw cause ?? error;
    });
    const entry = { client, ready: connected.then(() => logIn(client, at)), users: 0 };
    client.on("end", () => drop(key, entry));
    // Whoever asks next hears of the failure; until then nobody listens.
    entry.ready.catch(() => undefined);
    kept.set(key, entry);
    return entry;
  }

  return {
    async use(at, deadlineMs, work) {
      const key = keyOf(at);
      const where = `${at.address.host}:${at.address.port}`;
      // Loaded with the first node: most environments have none.
      const { Redis } = await import("./client.ts");
      const entry = kept.get(key) ?? open(Redis, key, at);
      const deadline = deadlineAfter(deadlineMs, where);
      entry.users += 1;
      let isBroken = false;
      try {
        return await Promise.race([entry.ready.then(() => work(entry.client)), deadline.passed]);
      } catch (error) {
        const known = asRedisError(error, where);
        // An error that the process answered with leaves the connection usable, but not one about who we are.
        isBroken = known.kind === "silent" || known.kind === "refused" || known.kind === "denied";
        throw known;
      } finally {
        deadline.cancel();
        entry.users -= 1;
        if (isBroken || kept.get(key) !== entry) drop(key, entry);
      }
    },
    close() {
      for (const { client } of kept.values()) client.disconnect();
      kept.clear();
    },
  };
}

/** By hand, because a refused password is to be told from a process that does not answer. */
async function logIn(client: Client, { login }: RedisEndpoint): Promise<void> {
  if (login === null) return;
  const password = login.password.reveal();
  try {
    await (login.username === null ? client.auth(password) : client.auth(login.username, password));
  } catch (error) {
    if (!noPasswordSet.test((error as Error).message)) throw error;
  }
}

function keyOf({ address, login, tls }: RedisEndpoint): string {
  return JSON.stringify([address.host, address.port, login?.username, login?.password.reveal(), tls]);
}

function deadlineAfter(ms: number, where: string): { readonly passed: Promise<never>; cancel(): void } {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new RedisError("silent", `${where} did not answer within ${ms} ms`)), ms);
  });
  // Only a race listens to it, and the race may be over.
  passed.catch(() => undefined);
  return { passed, cancel: () => clearTimeout(timer) };
}
