import { describe, expect, it } from "vitest";
import { callEngine } from "../../../scripts/machine/engine-api.ts";
import { noteFault } from "../support/fault-report.ts";
import { nodeIs, sample } from "../support/fleet-site.ts";
import { untilChecks } from "../support/peers.ts";
import { until } from "../support/site.ts";
import { threeHosts } from "../support/three-hosts.ts";

const three = threeHosts();

describe("heal over several engines", () => {
  it("brings back on the others what a host took with it, and clears up when the host returns", async (test) => {
    const daemon = await three.oneOnEach("2s");
    const [lost] = (await three.ground.running()).filter(({ host }) => host === "h3");
    const samples = sample(three.ground);
    test.onTestFinished(() => void samples.stop().catch(() => undefined));
    const offAtMs = Date.now();
    await three.fleet.powerOff(3);
    await three.allHealthy();
    const tookMs = Date.now() - offAtMs;
    expect((await three.ground.running()).map(({ host }) => host).filter((host) => host === "h3")).toEqual([]);
    const before = (await three.ground.running()).map(({ id }) => id).toSorted();
    await three.fleet.boot(3);
    const bootedAtMs = Date.now();
    await until(
      async () => (await three.ground.on(three.hosts[2])).length === 0,
      "the superseded one to be removed",
      60_000,
    );
    const clearedMs = Date.now() - bootedAtMs;
    await untilChecks(daemon, 0);
    expect(Math.max(...(await samples.stop()).map(({ healthy }) => healthy))).toBe(3);
    expect((await three.ground.running()).map(({ id }) => id).toSorted()).toEqual(before);
    expect(before).not.toContain(lost?.id);
    noteFault(
      test,
      "one of three hosts powered off",
      "its instance healthy on another host; never more than 3 healthy",
      tookMs,
    );
    noteFault(test, "the host boots again", "the superseded container removed, nothing else touched", clearedMs);
  });

  it("removes what runs twice when a host that was cut off for long returns, and nothing else", async (test) => {
    await three.oneOnEach("2s");
    const [cutOff] = (await three.ground.running()).filter(({ host }) => host === "h3");
    await three.fleet.unplug(3);
    await until(async () => (await three.ground.running()).length === 4, "the replacement", 60_000);
    const others = (await three.ground.running()).filter(({ id }) => id !== cutOff?.id).map(({ id }) => id);
    await three.fleet.plug(3);
    const pluggedAtMs = Date.now();
    await until(
      async () => (await three.ground.on(three.hosts[2])).length === 0,
      "the superseded one to be removed",
      60_000,
    );
    const tookMs = Date.now() - pluggedAtMs;
    await three.allHealthy();
    expect((await three.ground.running()).map(({ id }) => id).toSorted()).toEqual(others.toSorted());
    noteFault(
      test,
      "host unplugged for longer than lostAfter, then plugged in",
      "superseded instance removed, nothing else",
      tookMs,
    );
  });

  it("does nothing when a host is unplugged for less than lostAfter", async (test) => {
    const daemon = await three.oneOnEach("60s");
    const beganAtMs = Date.now();
    await three.fleet.unplug(3);
    await until(() => nodeIs(three.fleet, "h3", "critical"), "Consul to find it dead", 60_000);
    await untilChecks(daemon, 3);
    await three.fleet.plug(3);
    await until(() => nodeIs(three.fleet, "h3", "passing"), "Consul to find it alive", 60_000);
    await untilChecks(daemon, 0);
    await three.allHealthy();
    expect(three.eventsSince(beganAtMs)).toEqual([]);
    noteFault(
      test,
      "host unplugged for less than lostAfter",
      "status 3 meanwhile; nothing started or stopped",
      Date.now() - beganAtMs,
    );
  });

  it("replaces nothing but what has ended while one packet in five to and from a host is lost", async (test) => {
    const daemon = await three.oneOnEach("60s");
    const beganAtMs = Date.now();
    const loses = (flag: "-I" | "-D") =>
      Promise.all(
        [
          ["INPUT", "-i"],
          ["OUTPUT", "-o"],
        ].map(([chain = "", side = ""]) => {
          const atRandom = ["-m", "statistic", "--mode", "random", "--probability", "0.2", "-j", "DROP"];
          return three.fleet.exec(3, ["iptables", "-w", flag, chain, side, "eth0", ...atRandom]);
        }),
      );
    expect((await loses("-I")).map(({ code }) => code)).toEqual([0, 0]);
    const samples = sample(three.ground);
    test.onTestFinished(() => void samples.stop().catch(() => undefined));
    try {
      await new Promise((passed) => setTimeout(passed, 10_000));
      expect(three.eventsSince(beganAtMs)).toEqual([]);
      const [victim] = (await three.ground.running()).filter(({ host }) => host === "h3");
      const killedAtMs = Date.now();
      await callEngine(three.hosts[2].dockerSocket, "POST", `/containers/${victim?.id}/kill`);
      await until(async () => (await three.ground.running()).every(({ id }) => id !== victim?.id), "it to be gone");
      await three.allHealthy(120_000);
      noteFault(
        test,
        "20 % of all packets to and from a host lost, a container on it killed",
        "nothing started or stopped but one container in its place",
        Date.now() - killedAtMs,
      );
    } finally {
      await loses("-D");
    }
    await three.allHealthy();
    await untilChecks(daemon, 0);
    const since = three.eventsSince(beganAtMs);
    expect(since.filter(({ action }) => action === "start")).toHaveLength(1);
    expect(since.filter(({ action }) => action === "die")).toHaveLength(1);
    expect(Math.max(...(await samples.stop()).map(({ running }) => running))).toBe(3);
  });

  for (const target of ["DROP", "REJECT"] as const) {
    it(`replaces nothing when its own way to an engine is cut by ${target} and Consul says that the host lives`, async (test) => {
      const daemon = await three.oneOnEach("1s");
      const beganAtMs = Date.now();
      const rule = ["INPUT", "-p", "tcp", "--dport", "2375", "-j", target];
      expect((await three.fleet.exec(3, ["iptables", "-I", ...rule])).code).toBe(0);
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
        expect(three.eventsSince(beganAtMs)).toEqual([]);
      } finally {
        await three.fleet.exec(3, ["iptables", "-D", ...rule]);
      }
      await untilChecks(daemon, 0);
      await three.allHealthy();
      expect(three.eventsSince(beganAtMs)).toEqual([]);
      noteFault(
        test,
        `way from heal to one engine cut by ${target}, Consul unharmed`,
        "nothing replaced, nothing started or stopped",
        Date.now() - beganAtMs,
      );
    });
  }
});
