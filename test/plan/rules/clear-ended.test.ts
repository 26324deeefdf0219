import { describe, expect, it } from "vitest";
import { aWorld, T0 } from "../../builders/world.ts";
import { does } from "../support/say.ts";

describe("clear-ended", () => {
  it("keeps the last one that ended as evidence while nothing serves its slot", () => {
    const waiting = { delayMs: 10_000, untilMs: T0 + 10_000, because: "it ended" };
    const world = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { state: "exited", generation: 3 })
      .withSlot("web", 1, { generation: 3, backOff: waiting })
      .looked();
    expect(does(world.plan())).toEqual([]);
  });

  it("clears away all but the newest that ended, so that a crash loop leaves one", () => {
    const waiting = { delayMs: 10_000, untilMs: T0 + 10_000, because: "it ended" };
    const world = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { state: "exited", generation: 2 })
      .withInstance("web", 1, { state: "exited", generation: 3 })
      .withSlot("web", 1, { generation: 3, backOff: waiting })
      .looked();
    expect(does(world.plan())).toEqual(["remove web.1.2 on h1 (clear-ended)"]);
  });

  const served = aWorld()
    .withService("web", { count: 1 })
    .withInstance("web", 1, { state: "exited", generation: 1 })
    .withInstance("web", 1, { generation: 2 });

  it("clears it away once its slot is served again, after one consistent look", () => {
    expect(does(served.plan())).toEqual([]);
    expect(does(served.looked().plan())).toEqual(["remove web.1.1 on h1 (clear-ended)"]);
  });

  it("waits while heal starts containers on its host, and looks again", () => {
    const busy = served.withHost("h1", { starting: 2 }).looked().plan();
    expect(does(busy)).toEqual([]);
    expect(busy.plan.services["web"]).toMatchObject({
      holds: [{ heldBy: "starts-first", reason: "h1 is starting what is missing, which comes first" }],
      lookAgainAtMs: T0 + 1_000,
    });
    expect(does(served.withHost("h2", { starting: 2 }).looked().plan())).toEqual([
      "remove web.1.1 on h1 (clear-ended)",
    ]);
  });

  it("takes its own registration along", () => {
    const listed = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { state: "exited", generation: 1, on: "h2", consul: "critical" })
      .withInstance("web", 1, { generation: 2 })
      .looked();
    expect(does(listed.plan())).toEqual(["remove web.1.1 on h2, deregistering on h2-node (clear-ended)"]);
  });

  it("does not take back what its successor on the same host has registered under the same id", () => {
    const listed = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { state: "exited", generation: 1, consul: "critical" })
      .withInstance("web", 1, { generation: 2, forMs: 100, consul: "unlisted" })
      .looked();
    expect(does(listed.plan())).toEqual(["remove web.1.1 on h1 (clear-ended)"]);
  });

  it("does not take back what somebody else has registered", () => {
    const foreign = aWorld()
      .withService("web", { count: 1, consul: null, health: null })
      .withInstance("web", 1, { state: "exited", on: "h2", consul: "critical", registration: { meta: {} } })
      .withInstance("web", 1, { generation: 2, consul: "passing" })
      .looked();
    expect(does(foreign.plan())).toEqual(["remove web.1.1 on h2 (clear-ended)"]);
  });

  it("clears away one that was created and never started", () => {
    const created = aWorld()
      .withService("web", { count: 1 })
      .withInstance("web", 1, { state: "created", generation: 1, on: "h2" })
      .withInstance("web", 1, { generation: 2 })
      .looked();
    expect(does(created.plan())).toEqual(["remove web.1.1 on h2 (clear-ended)"]);
  });

  it("clears away what is left of a slot that is not asked for any more", () => {
    const lowered = aWorld().withService("web", { count: 0 }).withInstance("web", 3, { state: "exited" }).looked();
    expect(does(lowered.plan())).toEqual(["remove web.3.1 on h1 (clear-ended)"]);
  });

  it("waits while a start is on its way", () => {
    const world = served
      .withMemory("web", {
        inFlight: [
          {
            kind: "start",
            slot: 1,
            generation: 9,
            host: "h1",
            subject: "x",
            sinceMs: T0,
            expiresAtMs: T0 + 60_000,
          },
        ],
      })
      .looked();
    expect(does(world.plan())).toEqual([]);
  });

  it("leaves containers without a slot to whoever made them", () => {
    const byHand = aWorld().withService("web", { count: 0 }).withInstance("web", null, { state: "exited" }).looked();
    expect(does(byHand.plan())).toEqual([]);
  });
});
