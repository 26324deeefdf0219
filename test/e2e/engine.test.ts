import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { changes, openProxy } from "./support/proxy.ts";
import { webService } from "./support/services.ts";
import type { Site } from "./support/site.ts";
import { nameOf, openSite, until } from "./support/site.ts";

let site: Site;
beforeEach(() => {
  site = openSite({ docker: inject("docker"), consul: inject("consul") });
});
afterEach(() => site.close());

const passing = async (service: string): Promise<number> =>
  (await site.registrations(service)).filter(({ status }) => status === "passing").length;
const allPass = (service: string, count: number) =>
  until(async () => (await passing(service)) === count, `${count} of ${service} to pass`);
const running = async (service: string) => (await site.containers(service)).map(nameOf).sort();
const name = (slot: number, generation: number) => `heal.${site.environment}.web.${slot}.${generation}`;

async function healthyWeb(count: number, more: object = {}): Promise<void> {
  site.desire({ web: webService(count, more) });
  await site.heal();
  await allPass("web", count);
}

describe("heal on a plain engine, one pass at a time", () => {
  it("starts what the desired state asks for and says how it stands by its exit code", async () => {
    site.desire({ web: webService(2) });
    expect((await site.heal("check", "web")).code).toBe(2);
    const first = await site.heal();
    expect(first.code).toBe(2);
    await allPass("web", 2);
    expect(await running("web")).toEqual([name(1, 1), name(2, 1)]);
    const check = await site.heal("check", "web");
    expect(check).toMatchObject({ code: 0, stdout: "web PASSING 2/2 healthy\n" });
  });

  it("does exactly what the dry run printed, and a dry run changes nothing", async () => {
    site.desire({ web: webService(2) });
    const dry = JSON.parse((await site.heal("--dry-run", "--json")).stdout) as {
      hash: string;
      services: { waves: object[][] }[];
    };
    expect(await site.containers("web", { all: true })).toEqual([]);
    const keys = await fetch(`${inject("consul")}/v1/kv/heal/${site.environment}/?keys`);
    expect(keys.status).toBe(404);
    const done = JSON.parse((await site.heal("--expect", dry.hash, "--json")).stdout) as {
      results: { kind: string; action: object }[];
    };
    expect(done.results.map(({ kind }) => kind)).toEqual(["done", "done"]);
    expect(done.results.map(({ action }) => action)).toEqual(dry.services.flatMap(({ waves }) => waves.flat()));
  });

  it.each([["--dry-run"], ["check"], ["status"], ["why", "web"]])(
    "only reads for `heal %s`, however long that takes",
    async (...words) => {
      const proxies = [await openProxy(inject("docker")), await openProxy(inject("consul"))] as const;
      for (const proxy of proxies) proxy.treat(() => ({ kind: "delay", ms: 150 }));
      const slow = openSite({ docker: proxies[0].tcp, consul: proxies[1].http });
      slow.desire({ web: webService(1) });
      expect((await slow.heal(...words)).code).toBe(2);
      const asked = proxies.flatMap(({ exchanges }) => exchanges);
      expect(asked.length).toBeGreaterThan(3);
      // What the token may do is asked with a POST, and changes nothing.
      expect(asked.filter((one) => changes(one) && one.path !== "/v1/internal/acl/authorize")).toEqual([]);
      await slow.close();
      for (const proxy of proxies) await proxy.close();
    },
  );

  it("does nothing when the plan is not the agreed one any more", async () => {
    site.desire({ web: webService(1) });
    const refused = await site.heal("--expect", "000000000000");
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("the plan has changed");
    expect(await site.containers("web", { all: true })).toEqual([]);
  });

  it("takes no lock and writes nothing where there is nothing to do and nothing new to tell", async () => {
    await healthyWeb(1);
    const keys = async (): Promise<unknown> =>
      (await fetch(`${inject("consul")}/v1/kv/heal/${site.environment}/?recurse`)).json();
    // The first pass that finds it healthy notes that it is.
    await site.heal();
    const before = await keys();
    expect(await site.heal()).toMatchObject({ code: 0, stdout: expect.stringContaining("nothing was to be done") });
    expect(await keys()).toEqual(before);
  });

  it("does nothing about what is as it should be", async () => {
    await healthyWeb(1);
    const before = await site.containers("web", { all: true });
    const again = await site.heal();
    expect(again.code).toBe(0);
    expect((await site.containers("web", { all: true })).map(({ Id }) => Id)).toEqual(before.map(({ Id }) => Id));
  });

  it("replaces a killed container, and clears the dead one away once the new one is healthy", async () => {
    await healthyWeb(2);
    await site.docker("POST", `/containers/${name(1, 1)}/kill`);
    expect((await site.heal("--dry-run")).code).toBe(2);
    await site.heal();
    expect(await running("web")).toEqual([name(1, 2), name(2, 1)]);
    await allPass("web", 2);
    expect((await site.heal()).code).toBe(0);
    expect((await site.containers("web", { all: true })).map(nameOf).sort()).toEqual([name(1, 2), name(2, 1)]);
  });

  it("replaces a container that was removed by hand", async () => {
    await healthyWeb(2);
    await site.docker("DELETE", `/containers/${name(2, 1)}?force=true`);
    await site.heal();
    await allPass("web", 2);
    expect(await running("web")).toEqual([name(1, 1), name(2, 2)]);
  });

  it("is pointed by a Consul watch at what is missing, and quiet when nothing is", async () => {
    await healthyWeb(1);
    const hint = JSON.stringify([{ Service: { Service: "web", ID: "whatever" }, Checks: [] }]);
    expect(await site.healWith(hint, "watch")).toMatchObject({ code: 0, stdout: "" });
    await site.docker("POST", `/containers/${name(1, 1)}/kill`);
    await site.healWith(hint, "watch");
    expect(await running("web")).toEqual([name(1, 2)]);
  });
});

describe("the daemon on a plain engine", () => {
  it("heals a killed, a removed and a paused container by itself", async () => {
    site.desire({ web: webService(3) });
    await site.daemon();
    await allPass("web", 3);
    await site.docker("POST", `/containers/${name(1, 1)}/kill`);
    await site.docker("DELETE", `/containers/${name(2, 1)}?force=true`);
    await site.docker("POST", `/containers/${name(3, 1)}/pause`);
    await until(
      async () => (await running("web")).join() === [name(1, 2), name(2, 2), name(3, 2)].join(),
      "three new ones",
    );
    await allPass("web", 3);
    expect((await site.heal("check")).code).toBe(0);
    expect((await site.containers("web", { all: true })).length).toBe(3);
  });

  it("replaces an instance whose check stays critical, the new one first", async () => {
    site.desire({ web: webService(2) });
    await site.daemon();
    await allPass("web", 2);
    await site.exec(name(1, 1), "unhealthy");
    await until(async () => (await running("web")).join() === [name(1, 2), name(2, 1)].join(), "the replacement");
    await allPass("web", 2);
    expect((await site.heal("check")).code).toBe(0);
  });

  it("only warns about one too many, and stops it where the service opts in", async () => {
    site.desire({ web: webService(1) });
    const daemon = await site.daemon();
    await allPass("web", 1);
    const { Id } = await site.docker<{ Id: string }>("POST", `/containers/create?name=by-hand-${site.environment}`, {
      Image: "heal-demo/web:1",
      Env: ["PORT=8000"],
      Labels: { "heal.environment": site.environment, "heal.service": "web" },
    });
    await site.docker("POST", `/containers/${Id}/start`);
    await until(async () => (await site.heal("check")).code === 1, "the warning");
    expect((await site.containers("web")).length).toBe(2);
    site.desire({ web: webService(1, { surplus: { action: "trim", after: "1s" } }) });
    await until(async () => (await running("web")).join() === name(1, 1), "the surplus to go");
    await until(async () => (await site.heal("check")).code === 0, "all to be well");
    expect(daemon.log()).not.toContain("action.failed");
  });

  it("registers again what the agent was made to forget", async () => {
    site.desire({ web: webService(1) });
    await site.daemon();
    await allPass("web", 1);
    const [registration] = await site.registrations("web");
    await fetch(`${inject("consul")}/v1/agent/service/deregister/${registration?.id}`, { method: "PUT" });
    await until(async () => (await passing("web")) === 1, "it to be registered again");
    expect(await running("web")).toEqual([name(1, 1)]);
  });

  it("stops gracefully, leaves services alone, and goes on where it was", async () => {
    site.desire({ web: webService(1) });
    const first = await site.daemon();
    await allPass("web", 1);
    await first.stop();
    expect(first.child.exitCode).toBe(0);
    expect(await running("web")).toEqual([name(1, 1)]);
    await site.daemon();
    await until(
      async () => (await site.heal("status", "--json")).stdout.includes('"role": "leader"'),
      "the next to lead",
    );
    expect(await running("web")).toEqual([name(1, 1)]);
    expect((await site.heal("why", "web")).stdout).toContain(`start ${name(1, 1)}`);
  });
});
