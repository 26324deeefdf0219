import { existsSync } from "node:fs";
import { nodeIs, openFleetSite } from "../../../test/e2e/support/fleet-site.ts";
import { startPeer } from "../../../test/e2e/support/peers.ts";
import { webService } from "../../../test/e2e/support/services.ts";
import { until } from "../../../test/e2e/support/site.ts";
import { askEngine } from "../../machine/engine-api.ts";
import { startFleet, type Fleet, type FleetHost } from "../../machine/fleet.ts";
import { mustRun } from "../../machine/processes.ts";
import type { Context } from "../harness/row.ts";
import { answersAt } from "../harness/stage.ts";

/** Three hosts, each with an instance that heal and one that Swarm looks after; the third is the one that dies. */
export interface Ground {
  readonly fleet: Fleet;
  readonly heal: Guarded;
  readonly swarm: Guarded;
  /** When Consul calls the third host dead. */
  detected(): Promise<number>;
  /** Milliseconds of a create, a start and the first answer, on the first host. */
  rawStart(): Promise<number>;
  /** Boots the third host again, and has everything as in the beginning. */
  spread(): Promise<void>;
  close(): Promise<void>;
}

export interface Guarded {
  containers(): Promise<readonly Found[]>;
  /** When there are three that answer HTTP on the hosts that are left; one of them new. */
  replaced(before: readonly Found[]): Promise<number>;
}

export interface Found {
  readonly id: string;
  readonly host: FleetHost;
  readonly port: number;
}

interface Listed {
  readonly Id: string;
  readonly Ports: readonly { readonly PublicPort?: number }[];
}

const COUNT = 3;
const SWARM_SERVICE = "peer";

export async function openGround(context: Context, consulConfig: object | undefined): Promise<Ground> {
  if (!existsSync("dist/bin.js")) await mustRun("npm", ["run", "build"], { env: process.env, timeoutMs: 120_000 });
  const fleet = await startFleet({
    say: context.say,
    hosts: 3,
    tcp: true,
    swarm: "managers",
    images: ["heal-demo/web:1"],
    ...(consulConfig === undefined ? {} : { consulConfig }),
  });
  const settings = { healing: { backOff: { initial: "500ms", max: "2s" } } };
  const { site } = openFleetSite(fleet, { service: "web", runtime: "engine", settings });
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> =>
    (closing ??= (async () => {
      await daemon?.stop();
      await site.close().catch(() => undefined);
      await fleet.stop();
    })());
  context.undo("fleet", close);
  site.desire({ web: webService(COUNT, { healing: { unhealthyAfter: "10s", lostAfter: "1s" } }) });
  const daemon = await startPeer(site);
  const [first] = fleet.hosts as [FleetHost];
  const heal = guarded(fleet, [`heal.environment=${site.environment}`, "heal.service=web"]);
  const swarm = guarded(fleet, [`com.docker.swarm.service.name=${SWARM_SERVICE}`]);
  const isWell = async () => (await daemon.heal("check", "web")).code === 0 && isSpread(await heal.containers());
  /** Resolves to false. The host with two gives one up: the third is the one with the fewest, once heal has it back. */
  const giveOneUp = async (): Promise<boolean> => {
    const all = await heal.containers();
    const doubled = all.find(({ host }, at) => all.findIndex((one) => one.host === host) !== at);
    if (doubled !== undefined && (await daemon.heal("check", "web")).code === 0)
      await askEngine(doubled.host.dockerSocket, "DELETE", `/containers/${doubled.id}?force=true`);
    return false;
  };
  await createSwarmService(first);
  await until(isWell, "an instance of heal on each host", 90_000);
  await until(async () => isSpread(await swarm.containers()), "a task of Swarm on each host", 90_000);
  return {
    fleet,
    heal,
    swarm,
    detected: () => turnsCritical(fleet.consul.address, "h3"),
    rawStart: () => rawStart(first),
    async spread() {
      await fleet.boot(3);
      await until(async () => (await readyNodes(first)) === 3, "Swarm to have all nodes", 60_000);
      // What is placed on a host that Consul still calls dead is replaced for that, and then nothing brings it back.
      await until(() => nodeIs(fleet, "h3", "passing"), "Consul to find the host alive", 60_000);
      await until(async () => (await daemon.heal("check", "web")).code === 0, "web to be well", 90_000);
      await until(async () => (await heal.containers()).length === COUNT, "what is superseded to go", 60_000);
      await askEngine(first.dockerSocket, "DELETE", `/services/${SWARM_SERVICE}`);
      await until(async () => (await swarm.containers()).length === 0, "Swarm's tasks to go", 60_000);
      await createSwarmService(first);
      await until(
        async () => (await isWell()) || (await giveOneUp()),
        "an instance of heal on each host again",
        180_000,
      );
      await until(async () => isSpread(await swarm.containers()), "a task of Swarm on each host again", 180_000);
    },
    close,
  };
}

function isSpread(found: readonly Found[]): boolean {
  return found.length === COUNT && new Set(found.map(({ host }) => host)).size === COUNT;
}

function guarded(fleet: Fleet, label: readonly string[]): Guarded {
  const filters = encodeURIComponent(JSON.stringify({ label, status: ["running"] }));
  const containers = async (): Promise<readonly Found[]> => {
    const found = await Promise.all(
      fleet.hosts.map(async (host) => {
        // One that is switched off runs nothing; its socket is gone with it.
        if (!existsSync(new URL(host.dockerSocket).pathname)) return [];
        const listed = await askEngine<Listed[]>(host.dockerSocket, "GET", `/containers/json?filters=${filters}`);
        return listed.map(({ Id, Ports }) => ({ id: Id, host, port: Ports[0]?.PublicPort ?? 0 }));
      }),
    );
    return found.flat();
  };
  return {
    containers,
    async replaced(before) {
      let fresh: Found | undefined;
      await until(
        async () => {
          const left = (await containers()).filter(({ host }) => host.name !== "h3");
          fresh = left.find(({ id, port }) => port !== 0 && !before.some((one) => one.id === id));
          return fresh !== undefined;
        },
        `a replacement with ${label.join(" ")}`,
        60_000,
        5,
      );
      if (fresh === undefined) throw new Error("nothing was replaced");
      return answersAt({ address: fresh.host.address, port: fresh.port });
    },
  };
}

function createSwarmService(host: FleetHost): Promise<unknown> {
  return askEngine(host.dockerSocket, "POST", "/services/create", {
    json: {
      Name: SWARM_SERVICE,
      TaskTemplate: { ContainerSpec: { Image: "heal-demo/web:1", Env: ["PORT=8000"], StopGracePeriod: 1e9 } },
      Mode: { Replicated: { Replicas: COUNT } },
      EndpointSpec: { Mode: "dnsrr", Ports: [{ TargetPort: 8_000, PublishMode: "host" }] },
    },
  });
}

async function readyNodes(host: FleetHost): Promise<number> {
  const nodes = await askEngine<{ Status: { State: string } }[]>(host.dockerSocket, "GET", "/nodes");
  return nodes.filter(({ Status }) => Status.State === "ready").length;
}

async function turnsCritical(consul: string, node: string): Promise<number> {
  for (let index = "0"; ;) {
    const answer = await fetch(`${consul}/v1/health/node/${node}?index=${index}&wait=10s`);
    index = answer.headers.get("x-consul-index") ?? "0";
    const checks = (await answer.json()) as { readonly CheckID: string; readonly Status: string }[];
    if (checks.some(({ CheckID, Status }) => CheckID === "serfHealth" && Status === "critical"))
      return performance.now();
  }
}

async function rawStart(host: FleetHost): Promise<number> {
  const ask = <Answer>(method: "GET" | "POST" | "DELETE", path: string, json?: object) =>
    askEngine<Answer>(host.dockerSocket, method, path, json === undefined ? {} : { json });
  const beganMs = performance.now();
  const { Id } = await ask<{ Id: string }>("POST", "/containers/create", {
    Image: "heal-demo/web:1",
    Env: ["PORT=8000"],
    ExposedPorts: { "8000/tcp": {} },
    HostConfig: { PortBindings: { "8000/tcp": [{ HostPort: "" }] } },
  });
  await ask("POST", `/containers/${Id}/start`);
  type Inspected = { NetworkSettings: { Ports: Record<string, { HostPort: string }[]> } };
  const { NetworkSettings } = await ask<Inspected>("GET", `/containers/${Id}/json`);
  const port = Number(NetworkSettings.Ports["8000/tcp"]?.[0]?.HostPort);
  const tookMs = (await answersAt({ address: host.address, port })) - beganMs;
  await ask("DELETE", `/containers/${Id}?force=true`);
  return tookMs;
}
