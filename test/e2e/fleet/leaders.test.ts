/** The heal that leads, on a host that something happens to. */
import { describe, expect, it } from "vitest";
import { askEngine, callEngine } from "../../../scripts/machine/engine-api.ts";
import { noteFault } from "../support/fault-report.ts";
import { sample } from "../support/fleet-site.ts";
import { untilChecks, type Peer } from "../support/peers.ts";
import { until } from "../support/site.ts";
import { threeHosts } from "../support/three-hosts.ts";

const three = threeHosts();

/** One leads from the first host, by way of the agent there; another follows from outside. Three healthy instances. */
async function ledFromFirstHost(): Promise<readonly [leader: Peer, follower: Peer]> {
  const consul = { address: three.hosts[0].consulAddress };
  const leader = await three.oneOnEach("2s", { through: three.fleet.through(1), environmentSettings: { consul } });
  expect(leader.log()).toContain('"kind":"leader"');
  const follower = await three.start();
  await until(() => follower.log().includes('"kind":"follower"'), "the other one to follow");
  return [leader, follower];
}

describe("the heal that leads, on a host", () => {
  it("is followed by another when the host's power is cut, which brings back what was on it", async (test) => {
    const [leader, follower] = await ledFromFirstHost();
    const samples = sample(three.ground);
    test.onTestFinished(() => void samples.stop().catch(() => undefined));
    const offAtMs = Date.now();
    await three.fleet.powerOff(1);
    await leader.ended;
    await until(() => follower.log().includes('"kind":"leader"'), "the other one to lead", 60_000);
    const tookOverMs = Date.now() - offAtMs;
    await three.allHealthy();
    const tookMs = Date.now() - offAtMs;
    expect((await three.ground.running()).map(({ host }) => host)).not.toContain("h1");
    const before = (await three.ground.running()).map(({ id }) => id).toSorted();
    await three.fleet.boot(1);
    await until(
      async () => (await three.ground.on(three.hosts[0])).length === 0,
      "the superseded one to be removed",
      60_000,
    );
    await untilChecks(follower, 0);
    expect(Math.max(...(await samples.stop()).map(({ healthy }) => healthy))).toBe(3);
    expect((await three.ground.running()).map(({ id }) => id).toSorted()).toEqual(before);
    noteFault(
      test,
      "the host of the leading daemon powered off",
      `another led after ${tookOverMs} ms (Consul's gossip and the lock-delay); its instance healthy on another host`,
      tookMs,
    );
  });

  it("does nothing while the host is cut off, though it sees an instance die there, and follows when it is back", async (test) => {
    const [leader, follower] = await ledFromFirstHost();
    const [own] = (await three.ground.running()).filter(({ host }) => host === "h1");
    const others = (await three.ground.running()).filter(({ host }) => host !== "h1").map(({ id }) => id);
    const { dockerSocket } = three.hosts[0];
    const cutAtMs = Date.now();
    await three.fleet.unplug(1);
    // It still leads by its own clock for a moment; what it could not know by then, it must not act on.
    await until(() => leader.log().includes('"kind":"suspended"'), "it to notice that it may not act");
    await callEngine(dockerSocket, "POST", `/containers/${own?.id}/kill`);
    await until(() => follower.log().includes('"kind":"leader"'), "the other one to lead", 60_000);
    const tookOverMs = Date.now() - cutAtMs;
    await until(async () => (await three.ground.running()).length === 3, "the replacement elsewhere", 60_000);
    const tookMs = Date.now() - cutAtMs;
    const onFirst = async (): Promise<readonly { readonly Id: string }[]> => {
      const filters = encodeURIComponent(
        JSON.stringify({ label: [`heal.environment=${three.ground.site.environment}`] }),
      );
      return askEngine(dockerSocket, "GET", `/containers/json?all=true&filters=${filters}`);
    };
    expect((await onFirst()).map(({ Id }) => Id)).toEqual([own?.id]);
    await three.fleet.plug(1);
    await until(
      () => leader.log().lastIndexOf('"kind":"follower"') > leader.log().lastIndexOf('"kind":"suspended"'),
      "it to follow",
      60_000,
    );
    await until(async () => (await onFirst()).length === 0, "the superseded one to be removed", 60_000);
    await three.allHealthy();
    await untilChecks(follower, 0);
    const created = three.eventsSince(cutAtMs).filter(({ action }) => action === "create");
    expect(created).toHaveLength(1);
    expect((await three.ground.running()).map(({ id }) => id)).toEqual(expect.arrayContaining(others));
    noteFault(
      test,
      "the host of the leading daemon cut off, an instance on it killed, then plugged in",
      `the cut-off one did nothing; another led after ${tookOverMs} ms; one start`,
      tookMs,
    );
  });
});
