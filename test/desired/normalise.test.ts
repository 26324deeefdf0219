import { describe, expect, it } from "vitest";
import { loadValid, webFile } from "./support/load.ts";
import type { Service } from "../../src/model/service.ts";

const container = { image: "shop/web:1", ports: [{ container: 8000 }] };

describe("a service", () => {
  it("that is nothing but a count is adopted under its own name and judged by Docker", async () => {
    expect(await web({ count: 3 })).toEqual({
      name: "web",
      count: 3,
      runtime: null,
      adopt: { swarmService: "web", composeProject: "web", composeService: null },
      container: null,
      health: null,
      consul: null,
      placement: { hosts: null, maxPerHost: null },
      healing: { unhealthyAfterMs: 30_000, maxUnavailable: 0, lostAfterMs: 30_000 },
      surplus: { action: "alert", afterMs: 60_000 },
      alerts: { route: null },
      redis: null,
      specHash: null,
    });
  });

  it("with a container runs on an engine and is registered under its own name", async () => {
    const service = await web({ count: 3, container });
    expect(service.runtime).toBe("engine");
    expect(service.consul).toEqual({ name: "web", tags: [], meta: {}, tagOverride: false });
    expect(service.health).toBeNull();
  });

  it("that is adopted is registered once it says how, or how it is checked", async () => {
    expect((await web({ count: 1, consul: { name: "shop" } })).consul?.name).toBe("shop");
    expect((await web({ count: 1, health: { tcp: true, port: 80 } })).consul?.name).toBe("web");
  });

  it("with a redis section lets its tags be changed, and says nothing of roles itself", async () => {
    const service = await web({ count: 3, container, redis: {} });
    expect(service.consul).toEqual({ name: "web", tags: [], meta: {}, tagOverride: true });
    expect(service.redis).toEqual({
      downAfterMs: 2_000,
      masterTag: "master",
      replicaTag: "slave",
      minReplicasToWrite: 1,
      maxDataLossBytes: null,
      authority: "heal",
    });
  });

  it("with a redis section and one replica may write without it, or its loss would stop writing", async () => {
    expect((await web({ count: 2, container, redis: {} })).redis?.minReplicasToWrite).toBe(0);
  });

  it("with a fixed host port goes on a host once", async () => {
    const fixed = { image: "shop/web:1", ports: [{ container: 8000, host: 80 }] };
    expect((await web({ count: 2, container: fixed })).placement.maxPerHost).toBe(1);
  });

  it("has its Docker health check in Docker's own words", async () => {
    const command = async (check: unknown) =>
      (await web({ count: 1, container: { ...container, healthcheck: { command: check } } })).container?.healthcheck
        ?.command;
    expect(await command("curl -f localhost")).toEqual(["CMD-SHELL", "curl -f localhost"]);
    expect(await command(["/bin/app", "ping"])).toEqual(["CMD", "/bin/app", "ping"]);
  });

  it("has the values of its environment told apart", async () => {
    const environment = { A: "x", B: { consulKey: "k/v" }, C: { file: "secrets/c" }, D: { env: "API_KEY" } };
    expect((await web({ count: 1, container: { ...container, environment } })).container?.environment).toEqual({
      A: { kind: "literal", value: "x" },
      B: { kind: "consul-key", key: "k/v" },
      C: { kind: "file", path: "/base/secrets/c" },
      D: { kind: "variable", name: "API_KEY" },
    });
  });
});

describe("the spec hash", () => {
  const service = { count: 3, container, health: { http: "/", port: 8000 } };

  it("does not change with what does not shape an instance", async () => {
    const { specHash } = await web(service);
    const other = {
      ...service,
      count: 5,
      surplus: { action: "trim" },
      healing: { lostAfter: "1m" },
      placement: { maxPerHost: 4 },
    };
    expect((await web(other)).specHash).toBe(specHash);
  });

  it("does not change with the writing", async () => {
    const { specHash } = await web(service);
    const written = {
      health: { port: 8000, interval: "10000ms", http: "/" },
      container: { ports: [{ protocol: "tcp", container: 8000 }], image: "shop/web:1", init: false, command: [] },
      count: 3,
    };
    expect((await web(written)).specHash).toBe(specHash);
  });

  it("does not change with the directory that heal.json lies in, so that two machines agree", async () => {
    const file = webFile({ count: 1, container: { ...container, environment: { A: { file: "secrets/a" } } } });
    const [here, there] = [await loadValid(file), await loadValid(file, { baseDirectory: "/elsewhere" })];
    expect(there.services["web"]?.specHash).toBe(here.services["web"]?.specHash);
    expect(there.hash).toBe(here.hash);
  });

  it.each([
    ["container", { ...service, container: { ...container, image: "shop/web:2" } }],
    ["health", { ...service, health: { tcp: true } }],
    ["consul", { ...service, consul: { tags: ["a"] } }],
  ])("changes with %s", async (_section, changed) => {
    expect((await web(changed)).specHash).not.toBe((await web(service)).specHash);
  });
});

describe("the hash of the desired state", () => {
  it("tells a change from a touch", async () => {
    const hash = async (text: string) => (await loadValid({ "/state/a.json": text })).hash;
    const before = await hash('{"services":{"a":{"count":1},"b":{"count":2}}}');
    expect(await hash('{ "services": { "b": { "count": 2 },\n"a": { "count": 1 } } }')).toBe(before);
    expect(await hash('{"services":{"a":{"count":1},"b":{"count":3}}}')).not.toBe(before);
  });

  it("is another one for another environment", async () => {
    const [one, other] = [
      await loadValid(webFile({ count: 1 })),
      await loadValid(webFile({ count: 1 }), { environment: "live" }),
    ];
    expect(one.hash).not.toBe(other.hash);
  });
});

async function web(service: unknown): Promise<Service> {
  const loaded = (await loadValid(webFile(service))).services["web"];
  if (loaded === undefined) throw new Error("the service is gone");
  return loaded;
}
