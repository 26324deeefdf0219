import { chmodSync } from "node:fs";
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Endpoint } from "../../../src/adapters/api-client/open-client.ts";
import { connectDaemon } from "../../../src/adapters/api-client/open-client.ts";
import { secret } from "../../../src/model/secret.ts";
import type { Controller } from "../../../src/ports/controller.ts";
import {
  ControllerError,
  InvalidInput,
  NotLeader,
  PlanChanged,
  UnknownService,
} from "../../../src/ports/controller.ts";
import type { FakeController } from "../../cli/support/fake-controller.ts";
import { fakeController } from "../../cli/support/fake-controller.ts";
import { aDirectory, running } from "../../server/support/running.ts";

async function client(endpoint: Endpoint): Promise<Controller> {
  const controller = await connectDaemon(endpoint);
  if (controller === null) throw new Error("no daemon answers");
  return controller;
}

describe.each(["socket", "address"] as const)("a daemon asked by its %s", (kind) => {
  const token = secret("s3cret");
  async function asked(fake?: FakeController) {
    const settings = { listen: { host: "127.0.0.1", port: 0 }, token };
    const run = await running({ settings, ...(fake === undefined ? {} : { fake }) });
    const endpoint: Endpoint =
      kind === "socket" ? { kind, path: run.server.socketPath } : { kind, url: run.url, token };
    return { remote: await client(endpoint), controller: run.controller };
  }

  it("answers as its own controller does", async () => {
    const { remote, controller } = await asked();
    expect(await remote.services()).toEqual(await controller.services());
    expect(await remote.status(["web"])).toEqual(await controller.status(["web"]));
    expect(await remote.planNow([])).toEqual(await controller.planNow([]));
    expect(await remote.why("web")).toEqual(await controller.why("web"));
    expect(await remote.pass(["web", "api"], "abc123")).toEqual(await controller.pass(["web", "api"], "abc123"));
  });

  it("is told what to do", async () => {
    const { remote, controller } = await asked();
    await remote.nudge(["web"]);
    await remote.pause("web", { forMs: null, why: "升级 Docker" });
    await remote.resume("web");
    await remote.close();
    expect(controller.calls).toEqual([
      ["nudge", ["web"]],
      ["pause", "web", { forMs: null, why: "升级 Docker" }],
      ["resume", "web"],
    ]);
  });

  it("fails as its own controller does", async () => {
    const problem = { file: "web.json", line: 3, column: 5, message: "unknown key", expected: "count" };
    const errors = [
      new PlanChanged("aaa", "bbb"),
      new NotLeader("h2 leads", "ask there"),
      new UnknownService("wbe", "web"),
      new InvalidInput("the desired state is not valid", [problem]),
      new ControllerError("mistaken", "web has no redis section in the desired state"),
    ];
    const left = [...errors];
    const { remote } = await asked(fakeController({ pass: async () => Promise.reject(left.shift()) }));
    for (const error of errors) await expect(remote.pass([], null)).rejects.toEqual(error);
  });

  it("shows a bug as an answer that says so", async () => {
    const { remote } = await asked(
      fakeController({ pass: async () => Promise.reject(new TypeError("x is undefined")) }),
    );
    await expect(remote.pass([], null)).rejects.toMatchObject({ name: "ControllerError", kind: "refused" });
  });
});

const mutes: { server: Server; sockets: Set<Socket> }[] = [];
afterEach(() => {
  for (const { server, sockets } of mutes.splice(0)) {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
});

/** Something that is no daemon and does with a connection what the test says. */
async function something(onConnection: (socket: Socket) => void): Promise<Endpoint> {
  const path = join(aDirectory(), "d.sock");
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    onConnection(socket);
  });
  mutes.push({ server, sockets });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { kind: "socket", path };
}

describe("where no daemon answers", () => {
  it("there is none without a socket, or with one that nobody listens on", async () => {
    expect(await connectDaemon({ kind: "socket", path: join(aDirectory(), "none.sock") })).toBeNull();
    expect(await connectDaemon({ kind: "address", url: "http://127.0.0.1:1", token: null })).toBeNull();
  });

  it("a daemon that is stopped keeps nobody waiting", async () => {
    const endpoint = await something(() => undefined);
    expect(await connectDaemon(endpoint, 50)).toBeNull();
  });

  it("a socket of another user is told from none", async () => {
    const { server, directory } = await running();
    chmodSync(directory, 0o755);
    chmodSync(server.socketPath, 0o000);
    // Permissions do not hold root up.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    try {
      const asked = connectDaemon({ kind: "socket", path: server.socketPath });
      await expect(asked).rejects.toMatchObject({ kind: "denied" });
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  it.each([
    ["a server of another kind", "HTTP/1.1 200 OK\r\n\r\n<html>", "unclear"],
    ["another version", 'HTTP/1.1 200 OK\r\n\r\n{"apiVersion":2}', "unclear"],
    ["an answer that breaks off", 'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"apiVersion":1}', "unclear"],
    ["no answer", "", "unclear"],
    ["noise", "\u0000\u0001\u0002", "unclear"],
    ["an endless header", "x".repeat(100_000), "unclear"],
  ])("%s is told", async (_, text, kind) => {
    const endpoint = await something((socket) => socket.end(text));
    await expect(connectDaemon(endpoint)).rejects.toMatchObject({ name: "ControllerError", kind });
  });

  it("a connection that is cut is told", async () => {
    const endpoint = await something((socket) => socket.destroy());
    await expect(connectDaemon(endpoint)).rejects.toMatchObject({ kind: "unclear" });
  });
});
