import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { openRedis } from "../../../src/adapters/redis/open-redis.ts";

test("an address with control characters never reaches a node", async () => {
  const redis = openRedis();
  const at = { address: { host: "127.0.0.1", port: 1 }, login: null, tls: null };
  for (const host of ["10.0.0.1\r\nCONFIG SET dir /", "NO ONE", "", `x${String.fromCharCode(0)}`]) {
    await expect(redis.follow(at, { host, port: 6379 })).rejects.toThrow(/characters that no address has/);
  }
  redis.close();
});

test("a save waits for what is under way, be it a replica's copy that leaves no file, and begins after it", async () => {
  const asked: string[] = [];
  let copyLasts = 2;
  const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
  const answerTo = (command: string): string => {
    if (command.includes("bgsave")) {
      asked.push(copyLasts > 0 ? "refused" : "begun");
      return copyLasts > 0 ? "-ERR Background save already in progress\r\n" : "+Background saving started\r\n";
    }
    if (command.includes("info")) {
      copyLasts -= 1;
      return bulk(`rdb_bgsave_in_progress:${copyLasts > 0 ? 1 : 0}\r\nrdb_last_bgsave_status:ok`);
    }
    const name = command.includes("dbfilename") ? "dbfilename" : "dir";
    return `*2\r\n${bulk(name)}${bulk(name === "dir" ? "/data" : "dump.rdb")}`;
  };
  const listener = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      for (const command of data
        .toString()
        .toLowerCase()
        .split(/^\*\d+/m)
        .slice(1))
        socket.write(answerTo(command));
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void listener.close());
  const redis = openRedis();
  onTestFinished(() => redis.close());
  const { port } = listener.address() as AddressInfo;
  const at = { address: { host: "127.0.0.1", port }, login: null, tls: null };
  expect(await redis.save(at, 5_000)).toBe("/data/dump.rdb");
  expect(asked).toEqual(["refused", "refused", "begun"]);
});
