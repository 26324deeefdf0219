import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { run } from "../../scripts/machine/processes.ts";
import type { Listed, Site } from "./support/site.ts";
import { openSite, until } from "./support/site.ts";

let site: Site;
let project: string;
let folder: string;

const compose = (...args: string[]) =>
  run("docker-compose", ["-p", project, ...args], {
    cwd: folder,
    env: { ...process.env, DOCKER_HOST: inject("docker") },
  });
const containers = async (service: string, all = false): Promise<readonly Listed[]> => {
  const label = [`com.docker.compose.project=${project}`, `com.docker.compose.service=${service}`];
  const filters = encodeURIComponent(JSON.stringify({ label }));
  return site.docker<Listed[]>("GET", `/containers/json?all=${all}&filters=${filters}`);
};
const running = async (service: string) =>
  (await containers(service)).filter(({ State }) => State === "running").map(({ Id }) => Id);

/** A Compose project of two services, started the way its owner starts it. */
async function given(count: number, more: object = {}): Promise<void> {
  const web = {
    image: "heal-demo/web:1",
    environment: { PORT: "8000" },
    ports: ["8000"],
    stop_grace_period: "1s",
    ...more,
  };
  const services = { web, other: { image: "heal-demo/web:1" } };
  writeFileSync(join(folder, "docker-compose.yml"), JSON.stringify({ version: "2.4", services }));
  const up = await compose("up", "-d", "--scale", `web=${count}`);
  expect(up).toMatchObject({ code: 0 });
}

beforeEach(() => {
  site = openSite({ docker: inject("docker"), consul: inject("consul") });
  project = `p${site.environment}`;
  folder = mkdtempSync(join(tmpdir(), "heal-compose-"));
});
afterEach(async () => {
  await site.close();
  await compose("down", "-t", "1");
  rmSync(folder, { recursive: true, force: true });
});

const adopt = (count: number, more: object = {}): void =>
  site.desire({
    web: {
      count,
      runtime: "compose",
      adopt: { composeProject: project, composeService: "web" },
      healing: { unhealthyAfter: "1s" },
      ...more,
    },
  });

describe("heal on a Compose project that exists already", () => {
  it("adopts it by name with nothing but a count", async () => {
    await given(1);
    site.desire({ [project]: { count: 1, adopt: { composeService: "web" } } });
    const check = await site.heal("check", project);
    expect(check.stdout).toBe(`${project} PASSING 1/1 healthy\n`);
  });

  it("starts a killed container again and recreates no other", async () => {
    await given(2);
    adopt(2);
    const [victim, survivor] = await running("web");
    const other = await running("other");
    await site.docker("POST", `/containers/${victim}/kill`);
    expect((await site.heal("check", "web")).code).toBe(2);
    expect((await site.heal()).code).toBe(0);
    expect(await running("web")).toContain(survivor);
    expect((await running("web")).length).toBe(2);
    expect(await running("other")).toEqual(other);
  });

  it("brings back a container that was removed, and all of them when none is left", async () => {
    await given(2);
    adopt(2);
    expect((await site.heal()).code).toBe(0);
    for (const id of await running("web")) await site.docker("DELETE", `/containers/${id}?force=true`);
    for (const id of await running("other")) await site.docker("DELETE", `/containers/${id}?force=true`);
    expect((await site.heal()).code).toBe(0);
    expect((await running("web")).length).toBe(2);
  });

  it("replaces a paused container once it has lasted", async () => {
    await given(2);
    adopt(2);
    await site.daemon();
    const [victim] = await running("web");
    await site.docker("POST", `/containers/${victim}/pause`);
    await until(async () => {
      const ids = await running("web");
      return ids.length === 2 && !ids.includes(victim ?? "");
    }, "another in its place");
    await until(async () => (await site.heal("check", "web")).code === 0, "all to be well");
  });

  it("replaces a container that its HEALTHCHECK calls unhealthy", async () => {
    const test = ["CMD", "/bin/busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:8000/healthz"];
    await given(2, { healthcheck: { test, interval: "1s", timeout: "5s", retries: 1 } });
    adopt(2);
    await site.daemon();
    await until(async () => (await site.heal("check", "web")).code === 0, "all to be healthy", 40_000);
    const [victim, other] = await running("web");
    await site.exec(victim ?? "", "unhealthy");
    await until(async () => !(await running("web")).includes(victim ?? ""), "the sick one to go", 40_000);
    await until(async () => (await site.heal("check", "web")).code === 0, "all to be well", 40_000);
    expect(await running("web")).toContain(other);
  });

  it("only warns about more than asked for", async () => {
    await given(3);
    adopt(2);
    const before = await running("web");
    const pass = await site.heal();
    expect(pass.code).toBe(1);
    expect(await running("web")).toEqual(before);
    expect((await site.heal("check", "web")).stdout).toBe("web WARNING 3/2 healthy: 1 more than asked for\n");
  });

  it.each([
    ["a fixed host port", { ports: ["20931:8000"] }, "host port 20931"],
    ["a container_name", { container_name: "the-only-one-there-is" }, "container_name"],
    ["no image of its own", { image: undefined, build: "." }, "'build' and no 'image'"],
  ])("refuses to scale what has %s, and says why", async (_what, fields, reason) => {
    const startable = { ...fields, image: "heal-demo/web:1", build: undefined };
    await given(1, startable);
    const services = { web: { environment: { PORT: "8000" }, image: "heal-demo/web:1", ...fields } };
    writeFileSync(join(folder, "docker-compose.yml"), JSON.stringify({ version: "2.4", services }));
    adopt(2);
    const pass = await site.heal();
    expect(pass).toMatchObject({ code: 2, stderr: "" });
    expect(pass.stdout).toContain(reason);
    expect((await containers("web", true)).length).toBe(1);
  });
});
