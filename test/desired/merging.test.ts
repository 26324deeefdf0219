import { describe, expect, it } from "vitest";
import { loadValid, problemsOf } from "./support/load.ts";

const directories = { desiredState: ["/common", "/live"] };
const container = { image: "shop/web:1", environment: { LOG_LEVEL: "info", MODE: "a" }, ports: [{ container: 8000 }] };
const common = { "/common/web.json": file({ web: { count: 1, container }, old: { count: 1 } }) };

describe("a later directory", () => {
  it("changes fields of a service and keeps the others", async () => {
    const live = file({ web: { count: 5, container: { environment: { LOG_LEVEL: "warn" } } } });
    const { services } = await loadValid({ ...common, "/live/web.json": live }, directories);
    expect(services["web"]?.count).toBe(5);
    expect(services["web"]?.container?.image).toBe("shop/web:1");
    expect(services["web"]?.container?.environment).toEqual({
      LOG_LEVEL: { kind: "literal", value: "warn" },
      MODE: { kind: "literal", value: "a" },
    });
  });

  it("removes fields and services with null, and adds services", async () => {
    const live = file({ web: { container: { environment: { MODE: null } } }, old: null, extra: { count: 2 } });
    const { services } = await loadValid({ ...common, "/live/web.json": live }, directories);
    expect(Object.keys(services).sort()).toEqual(["extra", "web"]);
    expect(Object.keys(services["web"]?.container?.environment ?? {})).toEqual(["LOG_LEVEL"]);
  });

  it("may describe a service in a file of another name", async () => {
    const { services } = await loadValid({ ...common, "/live/zz.json": file({ web: { count: 2 } }) }, directories);
    expect(services["web"]?.count).toBe(2);
  });

  it("is said to be the source of what it sets, and the earlier one of the rest", async () => {
    const live = file({ web: { count: 5 }, extra: { count: 2 } });
    const { sources } = await loadValid({ ...common, "/live/more.json": live }, directories);
    expect(sources).toEqual({
      "services.old": "/common/web.json",
      "services.old.count": "/common/web.json",
      "services.web": "/common/web.json",
      "services.web.container": "/common/web.json",
      "services.web.count": "/live/more.json",
      "services.extra": "/live/more.json",
      "services.extra.count": "/live/more.json",
    });
  });

  it("is blamed for the wrong values that it sets", async () => {
    const live = '{ "services": { "web": { "count": 5,\n "container": { "ports": [{ "container": 0 }] } } } }';
    expect(await problemsOf({ ...common, "/live/web.json": live }, directories)).toEqual([
      "/live/web.json:2:42: 0 is not usable here (expected a whole number from 1 to 65535)",
    ]);
  });

  it("leaves the blame for other wrong values where they are", async () => {
    const bad = { "/common/web.json": file({ web: { count: -1, container } }) };
    const problems = await problemsOf(
      { ...bad, "/live/web.json": file({ web: { surplus: { after: "1s" } } }) },
      directories,
    );
    expect(problems).toEqual([expect.stringMatching(/^\/common\/web\.json:1:\d+: -1 is not usable/)]);
  });

  it("may not describe by half what no earlier one describes", async () => {
    const live = file({ other: { surplus: { after: "1s" } } });
    expect(await problemsOf({ ...common, "/live/web.json": live }, directories)).toEqual([
      expect.stringMatching(/^\/live\/web\.json:1:\d+: "count" is missing here/),
    ]);
  });

  it.each([
    ["a service", { ghost: null }],
    ["a field", { web: { placement: null } }],
    ["a mistyped field", { web: { container: { imgae: null } } }],
    ["a field of a section that is not there", { web: { placement: { maxPerHost: null } } }],
  ])("may not remove %s that is not there", async (_what, services) => {
    expect(await problemsOf({ ...common, "/live/web.json": file(services) }, directories)).toEqual([
      expect.stringContaining("null removes what an earlier directory sets, but none sets this"),
    ]);
  });

  it("may itself be changed by a third", async () => {
    const files = {
      ...common,
      "/live/web.json": file({ web: { count: 5 } }),
      "/site/web.json": file({ web: { count: 7 }, old: null }),
    };
    const { services } = await loadValid(files, { desiredState: ["/common", "/live", "/site"] });
    expect(Object.values(services).map(({ name, count }) => [name, count])).toEqual([["web", 7]]);
  });
});

function file(services: unknown): string {
  return JSON.stringify({ services });
}
