import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askEngine } from "../../../scripts/machine/engine-api.ts";
import { startFleet, type Fleet, type FleetHost } from "../../../scripts/machine/fleet.ts";
import { noteFault } from "../support/fault-report.ts";
import { openFleetSite, sample, type FleetSite } from "../support/fleet-site.ts";
import { startPeer, tellIfFailed, type Peer } from "../support/peers.ts";
import { webService } from "../support/services.ts";
import { until } from "../support/site.ts";

let fleet: Fleet;
let hosts: [FleetHost, FleetHost, FleetHost];
let ground: FleetSite;
let daemon: Peer;

beforeAll(async () => {
  fleet = await startFleet({
    say: () => undefined,
    hosts: 3,
    tcp: true,
    swarm: "managers",
    images: ["heal-demo/web:1"],
  });
  hosts = fleet.hosts as [FleetHost, FleetHost, FleetHost];
  ground = openFleetSite(fleet, { service: "web", runtime: "swarm" });
  ground.site.desire({ web: webService(3, { runtime: "swarm", healing: { lostAfter: "2s", unhealthyAfter: "10s" } }) });
  daemon = await startPeer(ground.site);
});
afterAll(async () => {
  await daemon?.stop();
  await ground?.site.close();
  await fleet?.stop();
});

const allHealthy = () =>
  until(
    async () => {
      const [healthy, running] = await Promise.all([ground.healthy(), ground.running()]);
      return (
        running.length === 3 &&
        healthy.join() ===
          running
            .map(({ name }) => name)
            .toSorted()
            .join()
      );
    },
    "three healthy tasks and no others",
    90_000,
  );
const replicas = async (): Promise<number | undefined> => {
  const [service] = await askEngine<{ Spec: { Mode: { Replicated: { Replicas: number } } } }[]>(
    hosts[0].dockerSocket,
    "GET",
    "/services",
  );
  return service?.Spec.Mode.Replicated.Replicas;
};
const checks = (code: number) =>
  until(async () => (await daemon.heal("check")).code === code, `heal check to exit ${code}`, 90_000);

describe("heal over a Swarm of three managers", () => {
  it("has the tasks of a dead host back on the others, and touches nothing when the host returns", async (test) => {
    test.onTestFailed(() => tellIfFailed({ result: { state: "fail" } }, [daemon]));
    await allHealthy();
    await checks(0);
    expect(new Set((await ground.running()).map(({ host }) => host)).size).toBe(3);
    const samples = sample(ground);
    test.onTestFinished(() => void samples.stop().catch(() => undefined));
    const offAtMs = Date.now();
    await fleet.powerOff(3);
    await until(async () => (await ground.healthy()).length < 3, "Consul to see it", 60_000);
    await allHealthy();
    const tookMs = Date.now() - offAtMs;
    await checks(0);
    expect(await replicas()).toBe(3);
    const before = (await ground.running()).map(({ id }) => id).toSorted();
    await fleet.boot(3);
    const bootedAtMs = Date.now();
    await until(async () => (await nodesReady()) === 3, "Swarm to have all nodes", 60_000);
    await until(async () => (await orphans()).length === 0, "registrations of what is gone to go", 90_000);
    const clearedMs = Date.now() - bootedAtMs;
    await checks(0);
    expect(Math.max(...(await samples.stop()).map(({ healthy }) => healthy))).toBe(3);
    expect((await ground.running()).map(({ id }) => id).toSorted()).toEqual(before);
    expect(await replicas()).toBe(3);
    noteFault(
      test,
      "one of three Swarm managers powered off",
      "its task healthy on another; never more than 3 healthy",
      tookMs,
    );
    noteFault(
      test,
      "the Swarm manager boots again",
      "registrations of what is gone removed; nothing started or stopped",
      clearedMs,
    );
  });

  it("scales a Swarm service back that somebody has scaled away", async (test) => {
    test.onTestFailed(() => tellIfFailed({ result: { state: "fail" } }, [daemon]));
    await allHealthy();
    type Found = { ID: string; Version: { Index: number }; Spec: { Mode: object } };
    const [service] = await askEngine<Found[]>(hosts[0].dockerSocket, "GET", "/services");
    const scaledAtMs = Date.now();
    await askEngine(
      hosts[0].dockerSocket,
      "POST",
      `/services/${service?.ID}/update?version=${service?.Version.Index}`,
      {
        json: { ...service?.Spec, Mode: { Replicated: { Replicas: 1 } } },
      },
    );
    await until(async () => (await replicas()) === 3, "three replicas to be asked for", 60_000);
    await allHealthy();
    await checks(0);
    noteFault(
      test,
      "Swarm service scaled away by hand",
      "scaled back through the service's version",
      Date.now() - scaledAtMs,
    );
  });
});

async function nodesReady(): Promise<number> {
  const nodes = await askEngine<{ Status: { State: string } }[]>(hosts[0].dockerSocket, "GET", "/nodes");
  return nodes.filter(({ Status }) => Status.State === "ready").length;
}

/** Registrations, healthy or not, of containers that do not run. */
async function orphans(): Promise<readonly string[]> {
  const answer = await fetch(`${fleet.consul.address}/v1/health/service/web?consistent`);
  const entries = (await answer.json()) as { readonly Service: { readonly Meta: Record<string, string> } }[];
  const running = new Set((await ground.running()).map(({ name }) => name));
  return entries.map(({ Service }) => Service.Meta["heal-container"] ?? "").filter((name) => !running.has(name));
}
