import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { callEngine, engineAnswers } from "../../../scripts/machine/engine-api.ts";
import { startFleet, type Fleet, type FleetHost } from "../../../scripts/machine/fleet.ts";
import { openEventLog, type EventLog } from "../support/event-log.ts";
import { noteFault } from "../support/fault-report.ts";
import { openFleetSite, sample, type FleetSite } from "../support/fleet-site.ts";
import { startPeer, tellIfFailed, type Peer, type PeerOptions } from "../support/peers.ts";
import { webService } from "../support/services.ts";
import { until } from "../support/site.ts";

let fleet: Fleet;
let hosts: [FleetHost, FleetHost, FleetHost];
let ground: FleetSite;
let daemon: Peer;
const logs: EventLog[] = [];

beforeAll(async () => {
  fleet = await startFleet({ say: () => undefined, hosts: 3, tcp: true, images: ["heal-demo/web:1"] });
  hosts = fleet.hosts as [FleetHost, FleetHost, FleetHost];
});
afterAll(() => fleet?.stop());

beforeEach(async () => {
  // One that was plugged in again takes a moment until its neighbours find it.
  await until(
    async () => (await Promise.all(hosts.map(({ docker }) => engineAnswers(docker)))).every(Boolean),
    "all engines to answer",
  );
  const settings = { healing: { backOff: { initial: "500ms", max: "2s" } } };
  ground = openFleetSite(fleet, { service: "web", runtime: "engine", settings });
});
afterEach(async ({ task }) => {
  tellIfFailed(task, [daemon]);
  await daemon.stop();
  for (const log of logs.splice(0)) log.close();
  await Promise.all(hosts.map((host) => removeAll(host)));
  await ground.site.close();
});

async function removeAll(host: FleetHost): Promise<void> {
  for (const name of await ground.on(host)) {
    await callEngine(host.dockerSocket, "DELETE", `/containers/${name}?force=true`);
  }
  const services = (await (await fetch(`${host.consulAddress}/v1/agent/services`)).json()) as Record<string, unknown>;
  for (const id of Object.keys(services).filter((one) => one.startsWith("heal."))) {
    await fetch(`${host.consulAddress}/v1/agent/service/deregister/${id}`, { method: "PUT" });
  }
}

/** Three healthy instances, one per host. */
async function oneOnEach(lostAfter: string, options: PeerOptions = {}): Promise<void> {
  const healing = { unhealthyAfter: "10s", lostAfter };
  ground.site.desire({ web: webService(3, { healing }) });
  daemon = await startPeer(ground.site, options);
  await allHealthy();
  expect((await ground.running()).map(({ host }) => host).toSorted()).toEqual(["h1", "h2", "h3"]);
  for (const host of hosts) logs.push(await openEventLog(host.dockerSocket, ground.site.environment));
}

const allHealthy = (withinMs = 60_000) =>
  until(
    async () => {
      const [healthy, running] = await Promise.all([ground.healthy(), ground.running()]);
      return (
        healthy.join() ===
          running
            .map(({ name }) => name)
            .toSorted()
            .join() && running.length === 3
      );
    },
    "three healthy instances and no others",
    withinMs,
  );
const checks = (code: number) =>
  until(async () => (await daemon.heal("check")).code === code, `heal check to exit ${code}`, 60_000);
const nothingHappened = () =>
  expect(logs.flatMap((log) => log.all()).filter(({ atMs }) => atMs > beganAtMs)).toEqual([]);
let beganAtMs = 0;

describe("heal over several engines", () => {
  it("brings back on the others what a host took with it, and clears up when the host returns", async (test) => {
    await oneOnEach("2s");
    const [lost] = (await ground.running()).filter(({ host }) => host === "h3");
    const samples = sample(ground);
    test.onTestFinished(() => void samples.stop().catch(() => undefined));
    const offAtMs = Date.now();
    await fleet.powerOff(3);
    await allHealthy();
    const tookMs = Date.now() - offAtMs;
    expect((await ground.running()).map(({ host }) => host).filter((host) => host === "h3")).toEqual([]);
    const before = (await ground.running()).map(({ id }) => id).toSorted();
    await fleet.boot(3);
    const bootedAtMs = Date.now();
    await until(async () => (await ground.on(hosts[2])).length === 0, "the superseded one to be removed", 60_000);
    const clearedMs = Date.now() - bootedAtMs;
    await checks(0);
    expect(Math.max(...(await samples.stop()).map(({ healthy }) => healthy))).toBe(3);
    expect((await ground.running()).map(({ id }) => id).toSorted()).toEqual(before);
    expect(before).not.toContain(lost?.id);
    noteFault(
      test,
      "one of three hosts powered off",
      "its instance healthy on another host; never more than 3 healthy",
      tookMs,
    );
    noteFault(test, "the host boots again", "the superseded container removed, nothing else touched", clearedMs);
  });

  it("brings back what a host took with it when the heal that leads ran on that host", async (test) => {
    const agent = { address: hosts[0].consulAddress };
    await oneOnEach("2s", { through: fleet.through(1), environmentSettings: { consul: agent } });
    const leader = daemon;
    expect(leader.log()).toContain('"kind":"leader"');
    daemon = await startPeer(ground.site);
    const follower = daemon;
    test.onTestFailed(() => tellIfFailed({ result: { state: "fail" } }, [leader]));
    await until(() => follower.log().includes('"kind":"follower"'), "the other one to follow");
    const samples = sample(ground);
    test.onTestFinished(() => void samples.stop().catch(() => undefined));
    const offAtMs = Date.now();
    await fleet.powerOff(1);
    await leader.ended;
    await until(() => follower.log().includes('"kind":"leader"'), "the other one to lead", 60_000);
    const tookOverMs = Date.now() - offAtMs;
    await allHealthy();
    const tookMs = Date.now() - offAtMs;
    expect((await ground.running()).map(({ host }) => host)).not.toContain("h1");
    const before = (await ground.running()).map(({ id }) => id).toSorted();
    await fleet.boot(1);
    await until(async () => (await ground.on(hosts[0])).length === 0, "the superseded one to be removed", 60_000);
    await checks(0);
    expect(Math.max(...(await samples.stop()).map(({ healthy }) => healthy))).toBe(3);
    expect((await ground.running()).map(({ id }) => id).toSorted()).toEqual(before);
    noteFault(
      test,
      "the host of the leading daemon powered off",
      `another led after ${tookOverMs} ms (Consul's gossip, then the lock-delay); its instance healthy on another host`,
      tookMs,
    );
  });

  it("removes what runs twice when a host that was cut off for long returns, and nothing else", async (test) => {
    await oneOnEach("2s");
    const [cutOff] = (await ground.running()).filter(({ host }) => host === "h3");
    await fleet.unplug(3);
    await until(async () => (await ground.running()).length === 4, "the replacement", 60_000);
    const others = (await ground.running()).filter(({ id }) => id !== cutOff?.id).map(({ id }) => id);
    await fleet.plug(3);
    const pluggedAtMs = Date.now();
    await until(async () => (await ground.on(hosts[2])).length === 0, "the superseded one to be removed", 60_000);
    const tookMs = Date.now() - pluggedAtMs;
    await allHealthy();
    expect((await ground.running()).map(({ id }) => id).toSorted()).toEqual(others.toSorted());
    noteFault(
      test,
      "host unplugged for longer than lostAfter, then plugged in",
      "superseded instance removed, nothing else",
      tookMs,
    );
  });

  it("does nothing when a host is unplugged for less than lostAfter", async (test) => {
    await oneOnEach("60s");
    beganAtMs = Date.now();
    await fleet.unplug(3);
    await until(() => nodeIs("h3", "critical"), "Consul to find it dead", 60_000);
    await checks(3);
    await fleet.plug(3);
    await until(() => nodeIs("h3", "passing"), "Consul to find it alive", 60_000);
    await checks(0);
    await allHealthy();
    nothingHappened();
    noteFault(
      test,
      "host unplugged for less than lostAfter",
      "status 3 meanwhile; nothing started or stopped",
      Date.now() - beganAtMs,
    );
  });

  it("replaces nothing but what has ended while one packet in five to and from a host is lost", async (test) => {
    await oneOnEach("60s");
    beganAtMs = Date.now();
    const loses = (flag: "-I" | "-D") =>
      Promise.all(
        [
          ["INPUT", "-i"],
          ["OUTPUT", "-o"],
        ].map(([chain = "", side = ""]) => {
          const atRandom = ["-m", "statistic", "--mode", "random", "--probability", "0.2", "-j", "DROP"];
          return fleet.exec(3, ["iptables", "-w", flag, chain, side, "eth0", ...atRandom]);
        }),
      );
    expect((await loses("-I")).map(({ code }) => code)).toEqual([0, 0]);
    const samples = sample(ground);
    test.onTestFinished(() => void samples.stop().catch(() => undefined));
    try {
      await new Promise((passed) => setTimeout(passed, 10_000));
      nothingHappened();
      const [victim] = (await ground.running()).filter(({ host }) => host === "h3");
      const killedAtMs = Date.now();
      await callEngine(hosts[2].dockerSocket, "POST", `/containers/${victim?.id}/kill`);
      await until(async () => (await ground.running()).every(({ id }) => id !== victim?.id), "it to be gone");
      await allHealthy(120_000);
      noteFault(
        test,
        "20 % of all packets to and from a host lost, a container on it killed",
        "nothing started or stopped but one container in its place",
        Date.now() - killedAtMs,
      );
    } finally {
      await loses("-D");
    }
    await allHealthy();
    await checks(0);
    const since = logs.flatMap((log) => log.all()).filter(({ atMs }) => atMs > beganAtMs);
    expect(since.filter(({ action }) => action === "start")).toHaveLength(1);
    expect(since.filter(({ action }) => action === "die")).toHaveLength(1);
    expect(Math.max(...(await samples.stop()).map(({ running }) => running))).toBe(3);
  });

  for (const target of ["DROP", "REJECT"] as const) {
    it(`replaces nothing when its own way to an engine is cut by ${target} and Consul says that the host lives`, async (test) => {
      await oneOnEach("1s");
      beganAtMs = Date.now();
      const rule = ["INPUT", "-p", "tcp", "--dport", "2375", "-j", target];
      expect((await fleet.exec(3, ["iptables", "-I", ...rule])).code).toBe(0);
      try {
        await until(
          async () => {
            const { stdout } = await daemon.heal("status", "--json");
            const status = JSON.parse(stdout) as {
              readonly hosts: readonly { readonly name: string; readonly engine: string }[];
            };
            return JSON.stringify(status.hosts.find(({ name }) => name === "h3") ?? null).includes("silent");
          },
          "the engine to be known as silent",
          60_000,
        );
        await new Promise((passed) => setTimeout(passed, 4_000));
        nothingHappened();
      } finally {
        await fleet.exec(3, ["iptables", "-D", ...rule]);
      }
      await checks(0);
      await allHealthy();
      nothingHappened();
      noteFault(
        test,
        `way from heal to one engine cut by ${target}, Consul unharmed`,
        "nothing replaced, nothing started or stopped",
        Date.now() - beganAtMs,
      );
    });
  }
});

async function nodeIs(node: string, status: string): Promise<boolean> {
  const answer = await fetch(`${fleet.consul.address}/v1/health/node/${node}?consistent`);
  const found = (await answer.json()) as { readonly CheckID: string; readonly Status: string }[];
  return found.some((check) => check.CheckID === "serfHealth" && check.Status === status);
}
