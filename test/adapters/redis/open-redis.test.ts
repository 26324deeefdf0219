import { expect, test } from "vitest";
import { openRedis } from "../../../src/adapters/redis/open-redis.ts";

test("an address with control characters never reaches a node", async () => {
  const redis = openRedis();
  const at = { address: { host: "127.0.0.1", port: 1 }, login: null, tls: null };
  for (const host of ["10.0.0.1\r\nCONFIG SET dir /", "NO ONE", "", `x${String.fromCharCode(0)}`]) {
    await expect(redis.follow(at, { host, port: 6379 })).rejects.toThrow(/characters that no address has/);
  }
  redis.close();
});
