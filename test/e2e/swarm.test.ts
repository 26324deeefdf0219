import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { webService } from "./support/services.ts";
import type { Listed, Site } from "./support/site.ts";
import { openSite, until } from "./support/site.ts";

let site: Site;
let name: string;

interface SwarmService {
  readonly ID: string;
  readonly Version: { readonly Index: number };
  readonly Spec: { readonly Mode: { readonly Replicated?: { readonly Replicas: number } } };
}

const service = () => site.docker<SwarmService>("GET", `/services/${name}`);
const replicas = async () => (await service()).Spec.Mode.Replicated?.Replicas;
const running = async () => {
  const filters = encodeURIComponent(JSON.stringify({ label: [`com.docker.swarm.service.name=${name}`] }));
  return (await site.docker<Listed[]>("GET", `/containers/json?filters=${filters}`)).filter(
    ({ State }) => State === "running",
  );
};
const runs = (count: number) => until(async () => (await running()).length === count, `${count} tasks to run`, 40_000);

/** A Swarm service that somebody else has made. */
async function given(count: number, mode: object = { Replicated: { Replicas: count } }): Promise<void> {
  await site.docker("POST", "/services/create", {
    Name: name,
    TaskTemplate: {
      ContainerSpec: { Image: "heal-demo/web:1", Env: ["PORT=8000"], StopGracePeriod: 1e9 },
      RestartPolicy: { Condition: "any", Delay: 1e8 },
    },
    Mode: mode,
    EndpointSpec: { Mode: "dnsrr" },
  });
  await runs(count);
}

async function setReplicas(count: number): Promise<void> {
  const { ID, Version, Spec } = await service();
  const spec = { ...Spec, Mode: { Replicated: { Replicas: count } } };
  await site.docker("POST", `/services/${ID}/update?version=${Version.Index}`, spec);
}

beforeEach(() => {
  site = openSite({ docker: inject("docker"), consul: inject("consul") });
  name = `s${site.environment}`;
});
afterEach(async () => {
  // First of all the daemon, which would bring the service back.
  await site.close();
  const found = await site.docker<SwarmService[]>(
    "GET",
    `/services?filters=${encodeURIComponent(JSON.stringify({ name: [name] }))}`,
  );
  for (const { ID } of found) await site.docker("DELETE", `/services/${ID}`);
  await until(async () => (await running()).length === 0, "the tasks to go", 40_000);
});

describe("heal on a Swarm service", () => {
  it("adopts it with nothing but a count, and scales it up to that", async () => {
    await given(1);
    site.desire({ [name]: { count: 2 } });
    expect((await site.heal("check", name)).code).toBe(2);
    await site.heal();
    expect(await replicas()).toBe(2);
    await runs(2);
    expect((await site.heal("check", name)).stdout).toBe(`${name} PASSING 2/2 healthy\n`);
  });

  it("corrects an edit by hand as it happens", async () => {
    await given(2);
    site.desire({ [name]: { count: 2 } });
    await site.daemon();
    await until(async () => (await site.heal("check", name)).code === 0, "the daemon to see it well");
    await setReplicas(1);
    await until(async () => (await replicas()) === 2, "the correction");
    await runs(2);
  });

  it("leaves killed and removed tasks to Swarm", async () => {
    await given(2);
    site.desire({ [name]: { count: 2 } });
    const before = await service();
    const [first, second] = await running();
    await site.docker("POST", `/containers/${first?.Id}/kill`);
    await site.docker("DELETE", `/containers/${second?.Id}?force=true`);
    await site.heal();
    await until(
      async () => {
        const ids = (await running()).map(({ Id }) => Id);
        return ids.length === 2 && !ids.includes(first?.Id ?? "") && !ids.includes(second?.Id ?? "");
      },
      "Swarm to replace both",
      40_000,
    );
    expect((await service()).Version.Index).toBe(before.Version.Index);
  });

  it("replaces a task that Docker runs and Consul calls critical", async () => {
    site.desire({ [name]: webService(2, { runtime: "swarm" }) });
    await site.daemon();
    await runs(2);
    const passing = async () => (await site.registrations(name)).filter(({ status }) => status === "passing").length;
    await until(async () => (await passing()) === 2, "both to pass", 40_000);
    const [sick] = await running();
    await site.exec(sick?.Id ?? "", "unhealthy");
    await until(async () => !(await running()).some(({ Id }) => Id === sick?.Id), "the sick one to go", 40_000);
    await runs(2);
    await until(async () => (await passing()) === 2, "both to pass again", 40_000);
  });

  it("replaces a task that is paused", async () => {
    await given(2);
    site.desire({ [name]: { count: 2, healing: { unhealthyAfter: "1s" } } });
    await site.daemon();
    const [victim] = await running();
    await site.docker("POST", `/containers/${victim?.Id}/pause`);
    await until(async () => (await site.heal("check", name)).code === 2, "the pause to be seen");
    await until(async () => !(await running()).some(({ Id }) => Id === victim?.Id), "the paused one to go", 40_000);
    await runs(2);
    await until(async () => (await site.heal("check", name)).code === 0, "all to be well", 40_000);
  });

  it("adopts a global service for as many as there are nodes, and says what to do about more", async () => {
    await given(1, { Global: {} });
    site.desire({ [name]: { count: 1 } });
    expect(await site.heal("check", name)).toMatchObject({ code: 0, stdout: `${name} PASSING 1/1 healthy\n` });
    site.desire({ [name]: { count: 2 } });
    const before = await service();
    const pass = await site.heal();
    expect([pass.code, pass.stdout]).toEqual([2, expect.stringMatching(/global.*one task on each node/s)]);
    expect((await service()).Version.Index).toBe(before.Version.Index);
  });

  it("creates it from its template when it has vanished", async () => {
    site.desire({ [name]: webService(1, { runtime: "swarm" }) });
    await site.heal();
    await runs(1);
    await site.docker("DELETE", `/services/${name}`);
    await until(async () => (await running()).length === 0, "the service to go", 40_000);
    await site.heal();
    await runs(1);
  });

  it("only warns about more than asked for, and scales down where the service opts in", async () => {
    await given(2);
    site.desire({ [name]: { count: 1 } });
    expect((await site.heal()).code).toBe(1);
    expect(await replicas()).toBe(2);
    site.desire({ [name]: { count: 1, surplus: { action: "trim", after: "1s" } } });
    await site.daemon();
    await until(async () => (await replicas()) === 1, "the surplus to go");
  });
});
