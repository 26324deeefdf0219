import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepAnswers } from "../../scripts/bench/fleet/answers-on-disk.ts";
import { aFleet, serviceName } from "../../scripts/bench/fleet/fleet.ts";
import type { Asked, InProcess } from "../../scripts/bench/fleet/in-process.ts";
import { openInProcess } from "../../scripts/bench/fleet/in-process.ts";

/** Counts, not times: what heal asks of Docker and Consul for fixed scenarios, whatever the machine. */
describe("what heal costs others", () => {
  const services = 300;
  const hosts = 3;
  let heal: InProcess;

  beforeAll(async () => {
    const fleet = await aFleet(services, Date.now());
    heal = await openInProcess(fleet, keepAnswers(fleet));
  }, 60_000);
  afterAll(() => heal.stop());

  const cost = async (work: () => Promise<unknown>): Promise<Asked> => {
    const before = { ...heal.asked };
    await work();
    const after = heal.asked;
    return Object.fromEntries(
      Object.entries(after).map(([what, count]) => [what, count - before[what as keyof Asked]]),
    ) as unknown as Asked;
  };

  it("is one small read of Consul and none of Docker for a service that Consul says has changed", async () => {
    const asked = await cost(() => heal.hint([serviceName(7)]));
    expect(asked).toMatchObject({ consul: 1, docker: 0, actions: 0, commits: 0, passes: 1 });
    expect(asked.consulBytes).toBeLessThan(20_000);
  });

  it("is nothing at all for a service that Docker says has changed and has not", async () => {
    const asked = await cost(() => heal.nudge([serviceName(7)]));
    expect(asked).toMatchObject({ consul: 0, docker: 0, actions: 0, commits: 0, passes: 1 });
  });

  it("is nothing at all when Consul says that services of others have changed", async () => {
    const asked = await cost(async () => {
      for (let hint = 0; hint < 10; hint += 1) await heal.hint(["postgres", "heal-status"]);
    });
    expect(asked).toMatchObject({ consul: 0, docker: 0, actions: 0, commits: 0, passes: 0 });
    // Each engine is asked once a second whatever happens.
    expect(asked.pings).toBeLessThan(10 * hosts);
  });

  it("is one pass for a hundred hints about the same service that come at once", async () => {
    const asked = await cost(() => Promise.all(Array.from({ length: 100 }, () => heal.hint([serviceName(3)]))));
    expect(asked.passes).toBeLessThanOrEqual(2);
    expect(asked.consul).toBeLessThanOrEqual(2);
  });

  it("is one list for each host and one read for each service when everything is read anew, and writes nothing", async () => {
    const asked = await cost(() => heal.resync());
    expect(asked).toMatchObject({ docker: hosts, actions: 0, commits: 0 });
    expect(asked.consul).toBeGreaterThanOrEqual(services);
    // Those known longest may be read a second time, after the lists have come.
    expect(asked.consul).toBeLessThanOrEqual(services + 50);
  });

  it("is planning for none of the services when everything is read anew and nothing has changed", async () => {
    await heal.resync();
    expect(await cost(() => heal.resync())).toMatchObject({ planned: 0 });
    heal.answer(serviceName(11), "[]");
    const asked = await cost(() => heal.resync());
    expect(asked.planned).toBeGreaterThan(0);
    // Those known longest are looked at a second time, after the lists have come.
    expect(asked.planned).toBeLessThanOrEqual(20);
    heal.answer(serviceName(11), null);
    await heal.resync();
  });

  it("is one list for each host and a read for the fifty services known longest at a resync by the clock", async () => {
    const asked = await cost(() => heal.resyncByClock());
    // And one to the agent, which in this fleet never says which node it is.
    expect(asked).toMatchObject({ consul: 50 + 1, docker: hosts, actions: 0, commits: 0 });
  });
});
