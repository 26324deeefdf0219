import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { diskFiles } from "../../src/adapters/files/disk-files.ts";
import { loadDesiredState, loadDesiredStateFiles } from "../../src/desired/load-desired-state.ts";
import { options } from "./support/load.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

describe("the shipped example", () => {
  it("asks for two services that are checked every second, on one host and with no power over it", async () => {
    const only = { hosts: { local: {} }, alerts: { routes: { default: {} } }, desiredState: [`${root}desired-state`] };
    const loaded = await loadDesiredState(diskFiles(), { ...options, ...only });
    if (loaded.kind === "invalid") throw new Error(JSON.stringify(loaded.problems));
    const services = Object.values(loaded.desired.services);
    expect(services.map(({ name, count, container }) => [name, count, container?.image])).toEqual([
      ["web", 3, "heal-demo/web:1"],
      ["api", 2, "heal-demo/web:1"],
    ]);
    for (const { health, surplus } of services) {
      expect(health).toMatchObject({ probe: { kind: "http", path: "/healthz" }, port: 8000, intervalMs: 1_000 });
      expect(surplus.afterMs).toBeLessThanOrEqual(5_000);
    }
  });
});

describe("the example that shows every section", () => {
  it("is valid in its environment", async () => {
    const file = `${root}test/fixtures/shop/desired-state/common/shop.json`;
    const loaded = await loadDesiredStateFiles(diskFiles(), [file], options);
    if (loaded.kind === "invalid") throw new Error(JSON.stringify(loaded.problems));
    expect(Object.keys(loaded.desired.services)).toEqual(["adopted", "shop-web", "sessions"]);
    expect(loaded.desired.services["sessions"]).toMatchObject({
      redis: { downAfterMs: 1_000, maxDataLossBytes: 1_048_576, minReplicasToWrite: 1 },
      consul: { tagOverride: true },
    });
    expect(loaded.desired.services["shop-web"]).toMatchObject({
      container: { resources: { cpus: 0.5, memoryBytes: 268_435_456 }, restart: "unless-stopped" },
      health: { startGraceMs: 30_000, deregisterAfterMs: 3_600_000 },
      placement: { hosts: ["h1", "h2"], maxPerHost: 2 },
    });
  });
});
