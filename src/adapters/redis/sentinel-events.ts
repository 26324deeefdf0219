import { setTimeout as passed } from "node:timers/promises";
import type { RedisEndpoint } from "../../ports/redis.ts";

const RECONNECT_MS = 500;

/**
 * Listens to `+switch-master` of one Sentinel until the signal fires, and connects again whenever that ends. What was
 * missed meanwhile is made good by telling once more after every new connection.
 */
export async function followSentinel(
  { address }: RedisEndpoint,
  told: (masterName: string | null) => void,
  signal: AbortSignal,
): Promise<void> {
  // Loaded here, because most environments have no Redis.
  const { Redis: Client } = await import("./client.ts");
  while (!signal.aborted) {
    const client = new Client({
      ...address,
      lazyConnect: true,
      protocol: 2,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      enableReadyCheck: false,
      disableClientInfo: true,
      connectionName: "heal-events",
    });
    const end = (): void => client.disconnect();
    const ended = new Promise<void>((resolve) => client.once("end", resolve));
    client.on("error", () => undefined);
    // `+switch-master <name> <old host> <old port> <new host> <new port>`
    client.on("message", (_channel, text: string) => told(text.split(" ")[0] ?? null));
    signal.addEventListener("abort", end, { once: true });
    try {
      await client.connect();
      await client.subscribe("+switch-master");
      told(null);
      await ended;
    } catch {
      client.disconnect();
    }
    signal.removeEventListener("abort", end);
    await passed(RECONNECT_MS, undefined, { signal }).catch(() => undefined);
  }
}
