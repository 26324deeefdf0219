import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { run } from "../../scripts/machine/processes.ts";
import { webService } from "./support/services.ts";
import type { Site } from "./support/site.ts";
import { nameOf, openSite, until } from "./support/site.ts";

describe("two environments on one machine", () => {
  let one: Site;
  let other: Site;
  beforeEach(() => {
    const parts = { docker: inject("docker"), consul: inject("consul") };
    one = openSite(parts);
    other = openSite(parts);
  });
  afterEach(async () => {
    await one.close();
    await other.close();
  });
  const passing = (site: Site, count: number) =>
    until(
      async () => (await site.registrations("web")).filter(({ status }) => status === "passing").length === count,
      `${count} to pass in ${site.environment}`,
    );

  it("never see or touch each other's containers, registrations, memory or lock, though their services share a name", async () => {
    one.desire({ web: webService(2) });
    other.desire({ web: webService(1, { surplus: { action: "trim", after: "0s" } }) });
    await Promise.all([one.daemon(), other.daemon()]);
    await Promise.all([passing(one, 2), passing(other, 1)]);
    const before = await other.containers("web", { all: true });
    await one.docker("POST", `/containers/heal.${one.environment}.web.1.1/kill`);
    await until(
      async () => (await one.containers("web")).map(nameOf).includes(`heal.${one.environment}.web.1.2`),
      "the heal",
    );
    await passing(one, 2);
    for (const site of [one, other]) {
      await until(async () => (await site.heal("check", "web")).code === 0, `${site.environment} to be well`);
      expect((await site.heal("status", "--json")).stdout).toContain('"role": "leader"');
    }
    expect((await other.containers("web", { all: true })).map(({ Id }) => Id)).toEqual(before.map(({ Id }) => Id));
    expect((await other.heal("why", "web")).stdout).not.toContain(one.environment);
  });
});

describe("the choice of an environment", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "heal-environments-"));
    const file = (path: string, content: object): void => {
      mkdirSync(join(folder, path, ".."), { recursive: true });
      writeFileSync(join(folder, path), JSON.stringify(content));
    };
    file("common/web.json", { services: { web: { count: 2, runtime: "swarm" } } });
    file("live/web.json", { services: { web: { count: 5 } } });
    const directories = (name: string) => ({ desiredState: ["common", name] });
    file("test/none.json", { services: {} });
    file("heal.json", {
      environments: { live: directories("live"), test: directories("test") },
      defaultEnvironment: "live",
    });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const heal = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    run(process.execPath, [join(process.cwd(), "dist/bin.js"), ...args], {
      cwd: folder,
      env: { ...process.env, ...env },
    });

  it("merges a later directory over an earlier one, and says which file a value came from", async () => {
    const live = await heal(["validate"]);
    expect(live).toMatchObject({ code: 0 });
    expect(live.stdout).toContain("services.web.count is from");
    expect(live.stdout).toContain("live/web.json");
    const test = await heal(["validate", "--env", "test", "--json"]);
    expect(JSON.parse(test.stdout)).toMatchObject({ environment: "test", services: 1 });
    expect((await heal(["validate", "--json"], { HEAL_ENV: "test" })).stdout).toContain('"environment": "test"');
  });

  it("suggests the environment that was meant", async () => {
    const typo = await heal(["validate", "--env", "lvie"]);
    expect(typo.code).toBe(78);
    expect(typo.stderr + typo.stdout).toContain('did you mean "live"');
  });
});
