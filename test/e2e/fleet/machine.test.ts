import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askEngine, engineAnswers } from "../../../scripts/machine/engine-api.ts";
import { startFleet, type Fleet, type FleetHost } from "../../../scripts/machine/fleet.ts";
import { removeImages } from "../../../scripts/machine/images.ts";
import { run } from "../../../scripts/machine/processes.ts";

const say = (): void => undefined;

/** Gossip needs a few seconds to be sure that a silent host is dead. */
const patience = { timeout: 30_000, interval: 100 };

let fleet: Fleet;
let hosts: [FleetHost, FleetHost, FleetHost];

beforeAll(async () => {
  fleet = await startFleet({ say, hosts: 3, tcp: true, swarm: "managers" });
  hosts = fleet.hosts as [FleetHost, FleetHost, FleetHost];
});

afterAll(async () => {
  await fleet?.stop();
});

describe("a fleet", () => {
  it("has engines of its own with the images, each under its host's name", async () => {
    const infos = await Promise.all(
      hosts.map((host) => askEngine<{ ID: string; Name: string; Images: number }>(host.docker, "GET", "/info")),
    );
    expect(infos.map(({ Name, Images }) => [Name, Images])).toEqual([
      ["h1", 2],
      ["h2", 2],
      ["h3", 2],
    ]);
    expect(new Set(infos.map(({ ID }) => ID)).size).toBe(3);
  });

  it("is one Swarm of three managers", async () => {
    const nodes = await askEngine<{ Status: { State: string }; ManagerStatus?: object }[]>(
      hosts[0].docker,
      "GET",
      "/nodes",
    );
    expect(nodes.map((node) => [node.Status.State, node.ManagerStatus !== undefined])).toEqual(
      hosts.map(() => ["ready", true]),
    );
  });

  it("has a Consul agent on every host, reachable from outside, that knows all others", async () => {
    for (const { consulAddress } of hosts) {
      const nodes = (await (await fetch(`${consulAddress}/v1/catalog/nodes`)).json()) as { Node: string }[];
      expect(nodes.map(({ Node }) => Node).toSorted()).toEqual(["h1", "h2", "h3", "outside"]);
    }
  });

  it("lets an engine hang and go on", async () => {
    await fleet.pauseEngine(2);
    expect(await engineAnswers(hosts[1].docker, 300)).toBe(false);
    expect(await engineAnswers(hosts[0].docker)).toBe(true);
    await fleet.resumeEngine(2);
    expect(await engineAnswers(hosts[1].docker)).toBe(true);
  });

  it("keeps containers running when an engine alone crashes", async () => {
    const { address } = await startWeb(hosts[1], 8101);
    await fleet.crashEngine(2);
    expect(await engineAnswers(hosts[1].docker, 300)).toBe(false);
    expect((await fetch(`${address}/healthz`)).status).toBe(200);
    await fleet.startEngine(2);
  });

  it("makes an unplugged host silent to the engine's clients and to Consul", async () => {
    await fleet.unplug(3);
    expect(await engineAnswers(hosts[2].docker, 300)).toBe(false);
    await expect.poll(() => healthOf("h3"), patience).toBe("critical");
    await fleet.plug(3);
    await expect.poll(() => healthOf("h3"), patience).toBe("passing");
    await expect.poll(() => engineAnswers(hosts[2].docker)).toBe(true);
  });

  it("ends everything on a host whose power is cut, and boots it with its old disk", async () => {
    const { id, address } = await startWeb(hosts[2], 8102);
    await fleet.powerOff(3);
    await expect(fetch(`${address}/healthz`, { signal: AbortSignal.timeout(500) })).rejects.toThrow();
    await fleet.boot(3);
    const { State } = await askEngine<{ State: { Running: boolean } }>(
      hosts[2].docker,
      "GET",
      `/containers/${id}/json`,
    );
    expect(State.Running).toBe(false);
  });

  it("gives up an image, with what runs from it, when told to", async () => {
    await startWeb(hosts[0], 8103);
    await removeImages(hosts[0].docker, ["heal-demo/web:1"]);
    const images = await askEngine<{ RepoTags: string[] }[]>(hosts[0].docker, "GET", "/images/json");
    expect(images.map(({ RepoTags }) => RepoTags)).toEqual([["heal-demo/web:2"]]);
  });

  it("leaves nothing behind", async () => {
    const { folder } = fleet;
    await fleet.stop();
    const bridge = `healf${/\d+$/.exec(folder)?.[0]}`;
    const names = (await Promise.all([run("ip", ["-o", "link"]), run("ip", ["netns"]), run("iptables-save", [])])).map(
      ({ stdout }) => stdout,
    );
    expect(names.join("\n")).not.toContain(bridge);
    expect((await run("pgrep", ["-f", folder])).stdout).toBe("");
  });
});

async function startWeb(host: FleetHost, port: number): Promise<{ id: string; address: string }> {
  const { Id } = await askEngine<{ Id: string }>(host.docker, "POST", "/containers/create", {
    json: { Image: "heal-demo/web:1", Env: [`PORT=${port}`], HostConfig: { NetworkMode: "host" } },
  });
  await askEngine(host.docker, "POST", `/containers/${Id}/start`);
  const address = `http://${host.address}:${port}`;
  await expect
    .poll(() =>
      fetch(`${address}/healthz`).then(
        ({ status }) => status,
        () => 0,
      ),
    )
    .toBe(200);
  return { id: Id, address };
}

async function healthOf(node: string): Promise<string> {
  const answer = await fetch(`${fleet.consul.address}/v1/health/node/${node}`);
  const checks = (await answer.json()) as { CheckID: string; Status: string }[];
  return checks.find((check) => check.CheckID === "serfHealth")?.Status ?? "absent";
}
