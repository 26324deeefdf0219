import { spawn } from "node:child_process";
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connectDaemon } from "../../src/adapters/api-client/open-client.ts";
import { InUse } from "../../src/ports/controller.ts";
import { aDirectory, running } from "./support/running.ts";

describe("the socket of a daemon", () => {
  it("may be used by its own user alone, and is gone when the daemon is", async () => {
    const { server, directory } = await running();
    expect(lstatSync(server.socketPath).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(["live.sock"]);
    await server.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("gets its directory made, for its user alone", async () => {
    const directory = join(aDirectory(), "run", "heal");
    const { server } = await running({ settings: { socketPath: join(directory, "live.sock") } });
    expect(lstatSync(directory).mode & 0o777).toBe(0o700);
    expect(existsSync(server.socketPath)).toBe(true);
  });

  it("replaces what a daemon left behind that was killed", async () => {
    const socketPath = join(aDirectory(), "live.sock");
    await leaveBehind(socketPath);
    const { server } = await running({ settings: { socketPath } });
    expect(await connectDaemon({ kind: "socket", path: server.socketPath })).not.toBeNull();
  });

  it("is never taken from a living daemon", async () => {
    const first = await running();
    const { socketPath } = first.server;
    await expect(running({ settings: { socketPath } })).rejects.toThrow(InUse);
    expect(await connectDaemon({ kind: "socket", path: socketPath })).not.toBeNull();
  });

  it("is never taken from a daemon that listens and does not answer", async () => {
    const socketPath = join(aDirectory(), "live.sock");
    const mute = createServer(() => undefined);
    await new Promise<void>((resolve) => mute.listen(socketPath, resolve));
    try {
      await expect(running({ settings: { socketPath } })).rejects.toThrow(/runs on this machine already/);
    } finally {
      mute.close();
    }
  });

  it("does not replace a file", async () => {
    const socketPath = join(aDirectory(), "live.sock");
    writeFileSync(socketPath, "precious");
    await expect(running({ settings: { socketPath } })).rejects.toThrow(/is no socket/);
  });

  it("is not put where everybody could put one of theirs", async () => {
    const directory = join(aDirectory(), "open");
    mkdirSync(directory);
    chmodSync(directory, 0o777);
    await expect(running({ settings: { socketPath: join(directory, "live.sock") } })).rejects.toThrow(
      /others may write/,
    );
  });

  it("leaves a successor's socket alone when it closes late", async () => {
    const first = await running();
    const { socketPath } = first.server;
    const { rmSync } = await import("node:fs");
    rmSync(socketPath);
    const second = await running({ settings: { socketPath } });
    await first.server.close();
    expect(await connectDaemon({ kind: "socket", path: second.server.socketPath })).not.toBeNull();
  });
});

/** A socket file that nobody listens on any more, as kill -9 leaves it. */
async function leaveBehind(path: string): Promise<void> {
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`;
  const child = spawn(process.execPath, ["-e", script], { stdio: "ignore" });
  await new Promise((resolve) => child.on("exit", resolve));
  expect(lstatSync(path).isSocket()).toBe(true);
}
