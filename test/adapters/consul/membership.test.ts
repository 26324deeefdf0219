import { describe, expect, it } from "vitest";
import { changedChecks, changedServices, type Membership } from "../../../src/adapters/consul/membership.ts";
import type { NotPassing } from "../../../src/ports/registry.ts";

function on(nodes: Record<string, Record<string, [serviceName: string, modifyIndex: number]>>): Membership {
  return new Map(
    Object.entries(nodes).map(([node, services]) => [
      node,
      new Map(
        Object.entries(services).map(([id, [serviceName, modifyIndex]]) => [id, { id, serviceName, modifyIndex }]),
      ),
    ]),
  );
}

const check = (node: string, checkId: string, serviceName: string | null): NotPassing => ({
  node,
  checkId,
  serviceName,
  serviceId: serviceName === null ? null : checkId.replace("service:", ""),
});

describe("what changed in the membership", () => {
  const before = on({ n1: { "web.1": ["web", 5], "api.1": ["api", 6] }, n2: { "web.2": ["web", 7] } });

  it("is nothing when nothing did", () => {
    expect(
      changedServices(before, on({ n1: { "web.1": ["web", 5], "api.1": ["api", 6] }, n2: { "web.2": ["web", 7] } })),
    ).toEqual(new Set());
  });

  it("names the service of an instance that came, went, moved or was registered otherwise", () => {
    expect(changedServices(before, on({ n1: { "api.1": ["api", 6] }, n2: { "web.2": ["web", 7] } }))).toEqual(
      new Set(["web"]),
    );
    const came = on({
      n1: { "web.1": ["web", 5], "api.1": ["api", 6], "db.1": ["db", 9] },
      n2: { "web.2": ["web", 7] },
    });
    expect(changedServices(before, came)).toEqual(new Set(["db"]));
    const otherwise = on({ n1: { "web.1": ["web", 5], "api.1": ["api", 8] }, n2: { "web.2": ["web", 7] } });
    expect(changedServices(before, otherwise)).toEqual(new Set(["api"]));
    const renamed = on({ n1: { "web.1": ["shop", 9], "api.1": ["api", 6] }, n2: { "web.2": ["web", 7] } });
    expect(changedServices(before, renamed)).toEqual(new Set(["web", "shop"]));
  });

  it("names all services of a node that is gone", () => {
    expect(changedServices(before, on({ n2: { "web.2": ["web", 7] } }))).toEqual(new Set(["web", "api"]));
  });
});

describe("what changed in a list of checks", () => {
  const web = check("n1", "service:web.1", "web");
  const api = check("n1", "service:api.1", "api");

  it("names services whose check entered or left it, and not those that stayed", () => {
    expect(changedChecks([web], [web, api], null)).toEqual(new Set(["api"]));
    expect(changedChecks([web, api], [api], null)).toEqual(new Set(["web"]));
    expect(changedChecks([web, api], [api, web], null)).toEqual(new Set());
  });

  it("tells checks of the same id on two nodes apart", () => {
    expect(changedChecks([web], [{ ...web, node: "n2" }], null)).toEqual(new Set(["web"]));
  });

  it("names all that is registered on a node whose own check changed, and all of the world when that is not known", () => {
    const node = check("n1", "serfHealth", null);
    expect(
      changedChecks([], [node], on({ n1: { "web.1": ["web", 1], "api.1": ["api", 1] }, n2: { "db.1": ["db", 1] } })),
    ).toEqual(new Set(["web", "api"]));
    expect(changedChecks([], [node], null)).toBe("all");
    expect(changedChecks([], [node], on({ n2: {} }))).toBe("all");
  });
});
