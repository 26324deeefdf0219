import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  connectConsul,
  defaultLimits,
  type ConnectionLimits,
  type ConsulAddress,
  type ConsulTls,
} from "../../../src/adapters/consul/connection.ts";
import type { RegistryError } from "../../../src/ports/registry.ts";
import { certificate, privateKey } from "./certificate.ts";
import { anAgent, anAgentThatSays } from "./support.ts";

function connect(url: string, limits: Partial<ConnectionLimits> = {}, address: Partial<ConsulAddress> = {}) {
  const connection = connectConsul(
    { url, token: null, datacenter: null, tls: null, ...address },
    { ...defaultLimits, ...limits },
  );
  onTestFinished(() => connection.close());
  return connection;
}

const get = { method: "GET", path: ["status", "leader"] } as const;

describe("a connection to Consul", () => {
  it("gives status, headers and text of any answer", async () => {
    const { url } = await anAgentThatSays("Permission denied", 403, { "x-some": "thing" });
    expect(await connect(url).request(get)).toMatchObject({
      status: 403,
      headers: { "x-some": "thing" },
      text: "Permission denied",
    });
  });

  it("sends token, datacenter, query and body, and escapes each part of the path", async () => {
    const { url, requests } = await anAgentThatSays("");
    const connection = connect(url, {}, { token: "s3cret", datacenter: "test" });
    await connection.request({
      method: "PUT",
      path: ["kv", "a b", "ü/x?y#z", "{p0}"],
      query: { cas: "0" },
      json: { a: "ü" },
    });
    expect(requests).toEqual([
      {
        method: "PUT",
        url: "/v1/kv/a%20b/%C3%BC%2Fx%3Fy%23z/%7Bp0%7D?dc=test&cas=0",
        headers: expect.objectContaining({ "x-consul-token": "s3cret", "content-type": "application/json" }) as object,
        body: '{"a":"ü"}',
      },
    ]);
  });

  it("keeps a path prefix of its address", async () => {
    const { url, requests } = await anAgentThatSays("");
    await connect(`${url}/consul`).request(get);
    expect(requests[0]!.url).toBe("/consul/v1/status/leader");
  });

  it("speaks over a unix socket", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "heal-consul-"));
    const socket = path.join(folder, "consul.sock");
    const server = http.createServer((request, response) => void response.end(request.url));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    onTestFinished(() => {
      server.close();
      rmSync(folder, { recursive: true });
    });
    expect((await connect(`unix://${socket}`).request(get)).text).toBe("/v1/status/leader");
  });

  it("speaks TLS, and only with a server that proves who it is unless told otherwise", async () => {
    const server = https.createServer(
      { cert: certificate, key: privateKey },
      (_request, response) => void response.end("ok"),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ask = (tls: Partial<ConsulTls> | null) =>
      connect(
        url,
        {},
        {
          tls: tls === null ? null : { ca: null, certificate: null, key: null, serverName: null, verify: true, ...tls },
        },
      )
        .request(get)
        .then(
          ({ text }) => text,
          (error: Error) => error.message,
        );
    expect(await ask({ ca: certificate, serverName: "consul.test" })).toBe("ok");
    expect(await ask({ verify: false })).toBe("ok");
    expect(await ask(null)).toMatch(/self-signed/);
    expect(await ask({ ca: certificate, serverName: "other.test" })).toMatch(/does not match/);
  });

  it("says that nothing was sent when nobody listens, or the name is unknown", async () => {
    await expect(connect("http://127.0.0.1:1").request(get)).rejects.toMatchObject({
      name: "RegistryError",
      kind: "unreachable",
    });
    await expect(connect("unix:///no/such/socket").request(get)).rejects.toMatchObject({ kind: "unreachable" });
    await expect(connect("http://no-such-host.invalid:8500").request(get)).rejects.toMatchObject({
      kind: "unreachable",
    });
  });

  it("gives up an answer that does not come in time", async () => {
    const { url } = await anAgent(() => undefined);
    const startedAt = performance.now();
    await expect(connect(url, { timeoutMs: 100 }).request(get)).rejects.toMatchObject({ kind: "unclear" });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it("gives up an answer that trickles on without end", async () => {
    const { url } = await anAgent((_request, response) => {
      const timer = setInterval(() => response.write(" "), 10);
      response.on("close", () => clearInterval(timer));
    });
    await expect(connect(url, { timeoutMs: 200 }).request(get)).rejects.toMatchObject({ kind: "unclear" });
  });

  it("notices at once that an answer broke off half-way", async () => {
    const { url } = await anAgent((_request, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write("[{", () => response.destroy());
    });
    const startedAt = performance.now();
    await expect(connect(url).request(get)).rejects.toMatchObject({
      kind: "unclear",
      message: expect.stringMatching(/broke off|aborted|ECONNRESET/) as string,
    });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it("notices at once that a connection was closed without an answer", async () => {
    const { url } = await anAgent((request) => request.socket.destroy());
    await expect(connect(url).request(get)).rejects.toMatchObject({ kind: "unclear" });
  });

  it("takes no answer longer than its limit", async () => {
    const { url } = await anAgent((_request, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write("x".repeat(65_536)));
      };
      response.on("drain", write);
      write();
    });
    await expect(connect(url, { answerBytesMax: 1_000_000 }).request(get)).rejects.toMatchObject({
      kind: "unclear",
      message: expect.stringContaining("longer than 1000000 bytes") as string,
    });
  });

  it("is given up when the signal fires, before or while it waits", async () => {
    const stop = new AbortController();
    const { url, requests } = await anAgent(() => stop.abort());
    await expect(connect(url).request({ ...get, signal: stop.signal })).rejects.toMatchObject({ kind: "unclear" });
    await expect(connect(url).request({ ...get, signal: stop.signal })).rejects.toMatchObject({ kind: "unreachable" });
    expect(requests).toHaveLength(1);
  });

  it("opens no more connections than allowed, and uses them again", async () => {
    const agent = await anAgent((_request, response) => void setTimeout(() => response.end("ok"), 5));
    const connection = connect(agent.url, { connectionsMax: 4 });
    const replies = await Promise.all(Array.from({ length: 100 }, () => connection.request(get)));
    expect(replies.every(({ text }) => text === "ok")).toBe(true);
    expect(agent.connectionsMax()).toBeLessThanOrEqual(4);
  });

  it("does not call an answer late because it waited for a connection", async () => {
    const agent = await anAgent((_request, response) => void setTimeout(() => response.end("ok"), 20));
    const connection = connect(agent.url, { connectionsMax: 2, timeoutMs: 400 });
    const replies = await Promise.all(Array.from({ length: 80 }, () => connection.request(get)));
    expect(replies).toHaveLength(80);
  });

  it("gives up what waits for a connection of an agent that hangs, and says that it was not sent", async () => {
    const agent = await anAgent(() => undefined);
    const connection = connect(agent.url, { connectionsMax: 1, timeoutMs: 50 });
    const startedAt = performance.now();
    const all = Array.from({ length: 40 }, () => connection.request(get).catch((error: RegistryError) => error.kind));
    const kinds = (await Promise.all(all)) as string[];
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(kinds.filter((kind) => kind === "unclear").length).toBe(agent.requests.length);
    expect(kinds.filter((kind) => kind === "unreachable").length).toBeGreaterThan(30);
  });

  it("works again after failures of every kind, on the same connections", async () => {
    let turn = 0;
    const agent = await anAgent((request, response) => {
      turn += 1;
      if (turn % 3 === 0) return void response.end("ok");
      if (turn % 3 === 1) return void request.socket.destroy();
      response.writeHead(200, { "content-length": "10" }).write("x", () => response.destroy());
    });
    const connection = connect(agent.url, { connectionsMax: 2 });
    const outcomes: string[] = [];
    for (let n = 0; n < 30; n += 1)
      outcomes.push(
        await connection.request(get).then(
          ({ text }) => text,
          (error: Error) => error.name,
        ),
      );
    expect(outcomes.filter((outcome) => outcome === "ok")).toHaveLength(10);
    expect(agent.connectionsMax()).toBeLessThanOrEqual(2);
  });
});
