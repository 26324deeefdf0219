import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { openRedis } from "../../../src/adapters/redis/open-redis.ts";

/** Answers whatever is asked with OK; keeps the answers of its first connection back meanwhile. Ends as Redis does. */
async function server(): Promise<{ readonly port: number; hold(): void; release(): void; connections(): number }> {
  let held: (() => void)[] | null = null;
  let connections = 0;
  const listener = createServer((socket) => {
    const isFirst = ++connections === 1;
    socket.on("end", () => socket.destroy());
    socket.on("data", (data) => {
      const commands = data.toString().match(/^\*\d+/gm)?.length ?? 0;
      const send = (): void => void socket.write("+OK\r\n".repeat(commands));
      if (isFirst && held !== null) held.push(send);
      else send();
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void listener.close());
  return {
    port: (listener.address() as AddressInfo).port,
    hold: () => (held = []),
    release: () => held?.splice(0).forEach((send) => send()),
    connections: () => connections,
  };
}

test("a name that leads nowhere is silence: nobody has refused anything", async () => {
  const redis = openRedis();
  onTestFinished(() => redis.close());
  const at = { address: { host: "nowhere.invalid", port: 6_379 }, login: null, tls: null };
  await expect(redis.look(at, 5_000)).rejects.toMatchObject({ kind: "silent" });
});

test("where a name led is told with what the node says, and nothing of that where it was asked by address", async () => {
  const info = "redis_version:7.0.15\r\nrun_id:abc\r\nrole:master\r\n";
  const listener = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      const commands = data.toString().match(/^\*\d+/gm)?.length ?? 0;
      socket.write(`$${info.length}\r\n${info}\r\n`.repeat(commands));
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void listener.close());
  const { port } = listener.address() as AddressInfo;
  const redis = openRedis();
  onTestFinished(() => redis.close());
  const ask = (host: string) => redis.look({ address: { host, port }, login: null, tls: null }, 5_000);
  expect(await ask("localhost")).toMatchObject({ runId: "abc", resolvedTo: "127.0.0.1" });
  expect(await ask("127.0.0.1")).not.toHaveProperty("resolvedTo");
});

test("a look that is late takes no other command's answer away, and who comes next has another connection", async () => {
  const { port, hold, release, connections } = await server();
  const redis = openRedis();
  onTestFinished(() => redis.close());
  const at = { address: { host: "127.0.0.1", port }, login: null, tls: null };
  await redis.follow(at, null);
  hold();
  const look = redis.look(at, 50);
  const order = redis.follow(at, null).then(() => "answered");
  await expect(look).rejects.toMatchObject({ kind: "silent" });
  await redis.follow(at, null);
  expect(connections()).toBe(2);
  release();
  expect(await order).toBe("answered");
});
