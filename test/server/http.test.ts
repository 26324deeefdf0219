import { request } from "node:http";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { askSocket } from "../../src/adapters/api-client/ask-socket.ts";
import type { Question } from "../../src/adapters/api-client/ask.ts";
import { secret } from "../../src/model/secret.ts";
import { NotLeader, PlanChanged } from "../../src/ports/controller.ts";
import { deepFreeze } from "../../src/settings/deep-freeze.ts";
import { fakeController } from "../cli/support/fake-controller.ts";
import type { Running } from "./support/running.ts";
import { running } from "./support/running.ts";

function overSocket({ server }: Running, question: Partial<Question> & { readonly path: string }) {
  return askSocket(server.socketPath)({ method: "GET", timeoutMs: 5_000, ...question });
}

/** A raw request, with the headers that a browser or an attacker would choose. */
function overTcp(
  url: string,
  options: { method?: string; path: string; headers?: Record<string, string>; body?: string },
) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const { port } = new URL(url);
    const sent = request({ host: "127.0.0.1", port, agent: false, ...options }, (response) => {
      let body = "";
      response.on("data", (chunk) => (body += String(chunk)));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sent.on("error", reject).end(options.body);
  });
}

const json = { "content-type": "application/json" };

describe("health", () => {
  it("says that it lives, and in which version it speaks", async () => {
    const { body, status } = await overSocket(await running(), { path: "/healthz" });
    expect([status, body]).toEqual([200, { status: "ok", version: "0.1.0", apiVersion: 1 }]);
  });

  it("says why it is not ready", async () => {
    const state = { ready: false, reasons: ["Consul has not answered yet"] };
    const { body, status } = await overSocket(await running({ readiness: () => state }), { path: "/readyz" });
    expect([status, body]).toEqual([503, state]);
  });
});

describe("reports", () => {
  it("gives all services, or those that are named", async () => {
    const run = await running();
    await overSocket(run, { path: "/api/v1/status" });
    await overSocket(run, { path: "/api/v1/status?service=web" });
    await overSocket(run, { path: "/api/v1/plan?service=web&service=api" });
    await overSocket(run, { path: "/api/v1/services/web" });
    expect(run.controller.calls).toEqual([
      ["status", []],
      ["status", ["web"]],
      ["planNow", ["web", "api"]],
      ["why", "web"],
    ]);
  });

  it("suggests the service that was meant", async () => {
    const { status, body } = await overSocket(await running(), { path: "/api/v1/services/wbe" });
    expect(status).toBe(404);
    expect(body).toMatchObject({ error: { code: "unknown-service", service: "wbe", suggestion: "web" } });
  });

  it("refuses what it does not know", async () => {
    const run = await running();
    expect((await overSocket(run, { path: "/api/v2/status" })).status).toBe(404);
    expect((await overSocket(run, { path: "/api/v1/status?servce=web" })).status).toBe(400);
    expect((await overSocket(run, { path: `/api/v1/services/${"x".repeat(300)}` })).status).toBe(414);
  });

  it("shows nothing of a bug but that it is one, and logs it", async () => {
    const fake = fakeController({ status: async () => Promise.reject(new TypeError("undefined is not a function")) });
    const run = await running({ fake });
    const { status, body } = await overSocket(run, { path: "/api/v1/status" });
    expect([status, JSON.stringify(body)]).toEqual([500, expect.not.stringContaining("undefined")]);
    expect(run.logged).toMatchObject([{ event: "request.failed", path: "/api/v1/status" }]);
  });
});

describe("changes over the socket", () => {
  it("are made with what the body says", async () => {
    const run = await running();
    const post = (path: string, body: unknown) => overSocket(run, { method: "POST", path, body });
    expect((await post("/api/v1/pass", { services: ["web"], expect: "abc123" })).status).toBe(200);
    expect((await post("/api/v1/pass", {})).status).toBe(200);
    expect((await post("/api/v1/pause", { service: "web", forMs: 3_600_000, why: "upgrade" })).status).toBe(200);
    expect((await post("/api/v1/resume", { service: "web" })).status).toBe(200);
    expect((await post("/api/v1/nudge", { services: ["web"] })).status).toBe(202);
    expect(run.controller.calls).toEqual([
      ["pass", ["web"], "abc123"],
      ["pass", [], null],
      ["pause", "web", { forMs: 3_600_000, why: "upgrade" }],
      ["resume", "web"],
      ["nudge", ["web"]],
    ]);
  });

  it("take a hint with a name that is nobody's as one for all", async () => {
    const run = await running();
    await overSocket(run, { method: "POST", path: "/api/v1/nudge", body: { services: ["web", "web-in-consul"] } });
    expect(run.controller.calls).toEqual([["nudge", []]]);
  });

  it("are refused when the body is not what it should be", async () => {
    const run = await running();
    const post = (path: string, body: unknown) => overSocket(run, { method: "POST", path, body });
    expect((await post("/api/v1/pause", {})).status).toBe(400);
    expect((await post("/api/v1/pause", { service: "web", fr: 1 })).status).toBe(400);
    expect((await post("/api/v1/pause", { service: "web", forMs: -1 })).status).toBe(400);
    expect((await post("/api/v1/pass", { services: [{}] })).status).toBe(400);
    expect((await post("/api/v1/nudge", { services: ["x".repeat(300 * 1024)] })).status).toBe(413);
    expect(run.controller.calls).toEqual([]);
  });

  it("say what kept them from happening", async () => {
    const fake = fakeController({
      pass: async (_, expect) =>
        Promise.reject(expect === null ? new NotLeader("h2 leads") : new PlanChanged(expect, "def")),
    });
    const run = await running({ fake });
    const changed = await overSocket(run, { method: "POST", path: "/api/v1/pass", body: { expect: "abc" } });
    expect(changed).toMatchObject({
      status: 409,
      body: { error: { code: "plan-changed", expected: "abc", actual: "def" } },
    });
    const follower = await overSocket(run, { method: "POST", path: "/api/v1/pass", body: {} });
    expect(follower).toMatchObject({ status: 503, body: { error: { code: "not-leader", message: "h2 leads" } } });
  });
});

const tcp = deepFreeze({ listen: { host: "127.0.0.1", port: 0 } });

describe("over TCP", () => {
  it("anybody may read, and nobody may change without a token in the settings", async () => {
    const { url, controller } = await running({ settings: tcp });
    expect((await overTcp(url, { path: "/api/v1/status" })).status).toBe(200);
    const refused = await overTcp(url, { method: "POST", path: "/api/v1/pass", headers: json, body: "{}" });
    expect(refused.status).toBe(403);
    expect(refused.body).toContain("server.token");
    expect(controller.calls).toEqual([["status", []]]);
  });

  it("changes need the very token", async () => {
    const { url, controller } = await running({ settings: { ...tcp, token: secret("s3cret-token") } });
    const post = (authorization: string | null) =>
      overTcp(url, {
        method: "POST",
        path: "/api/v1/resume",
        headers: { ...json, ...(authorization === null ? {} : { authorization }) },
        body: JSON.stringify({ service: "web" }),
      });
    for (const wrong of [null, "Bearer s3cret-toke", "Basic s3cret-token", "Bearer "]) {
      const { status, body } = await post(wrong);
      expect([wrong, status]).toEqual([wrong, 401]);
      expect(JSON.parse(body)).toMatchObject({ version: 1, error: { code: "denied" } });
    }
    expect(controller.calls).toEqual([]);
    expect((await post("Bearer s3cret-token")).status).toBe(200);
    expect(controller.calls).toEqual([["resume", "web"]]);
  });

  it("a web page that has its name resolve to this machine reads nothing", async () => {
    const { url } = await running({ settings: { ...tcp, advertise: "http://heal-h1.shop.example:7411" } });
    const asked = async (host: string) => (await overTcp(url, { path: "/api/v1/status", headers: { host } })).status;
    for (const host of ["evil.example", "evil.example:7411", "127.0.0.1.evil.example", "localhost.evil.example"]) {
      expect([host, await asked(host)]).toEqual([host, 421]);
    }
    for (const host of ["localhost:7411", "192.0.2.11:7411", "[::1]:7411", "heal-h1.shop.example"]) {
      expect([host, await asked(host)]).toEqual([host, 200]);
    }
  });

  it("no other origin is let in", async () => {
    const { url } = await running({ settings: tcp });
    const { headers } = await overTcp(url, { path: "/api/v1/status", headers: { origin: "http://evil.example" } });
    expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  it("nothing listens when the settings say so", async () => {
    const { server } = await running({ settings: { listen: null } });
    expect(server.address).toBeNull();
  });

  it("an address that is not this machine's is named", async () => {
    const elsewhere = running({ settings: { listen: { host: "192.0.2.1", port: 7411 } } });
    await expect(elsewhere).rejects.toThrow("this machine has no address 192.0.2.1:7411");
  });

  it("a port that is taken is named, and the socket given up", async () => {
    const first = await running({ settings: tcp });
    const port = first.server.address?.port ?? 0;
    const { aDirectory } = await import("./support/running.ts");
    const socketPath = `${aDirectory()}/other.sock`;
    await expect(running({ settings: { socketPath, listen: { host: "127.0.0.1", port } } })).rejects.toThrow(
      `another process listens on 127.0.0.1:${port}`,
    );
    const { existsSync } = await import("node:fs");
    expect(existsSync(socketPath)).toBe(false);
  });
});

describe("closing", () => {
  it("does not wait for connections that somebody keeps open", async () => {
    const { server } = await running();
    const idle = connect(server.socketPath);
    await new Promise((resolve) => idle.on("connect", resolve));
    const ended = new Promise((resolve) => idle.on("close", resolve));
    await server.close();
    await ended;
  });
});
