import { describe, expect, it } from "vitest";
import type { ControllerParts } from "../../src/loop/controller.ts";
import { openController } from "../../src/loop/controller.ts";
import { openNudges } from "../../src/loop/nudges.ts";
import { reconcile } from "../../src/loop/reconcile.ts";
import { openBoard } from "../../src/report/board.ts";
import { aService } from "../builders/service.ts";
import { aWorldOf } from "./support/a-world.ts";

const unasked = (): never => {
  throw new Error("not asked in this test");
};

/** A daemon's controller over a world in which `web` lacks an instance, with passes as nudges bring them about. */
function aController() {
  const scene = aWorldOf(aService("web", { count: 1 }));
  const { world } = scene;
  const nudges = openNudges({
    clock: world.clock,
    all: () => ["web"],
    pass: async (names, settled) => void (await reconcile(world, names, { settled })),
  });
  const parts: ControllerParts = {
    world,
    board: openBoard("live"),
    controller: unasked,
    run: unasked,
    exclusive: nudges.exclusive,
    takeOffice: async () => undefined,
    live: true,
    lookAnew: unasked,
    alerting: {
      list: unasked,
      test: unasked,
      silence: unasked,
      endSilence: unasked,
    } as unknown as ControllerParts["alerting"],
    troubles: () => [],
    nudge: () => undefined,
    confirm: unasked,
    close: unasked,
  };
  return { scene, nudges, controller: openController(parts) };
}

describe("a person's word", () => {
  it("is not overwritten by a pass that began before it, nor overwrites what that pass remembers", async () => {
    const { scene, nudges, controller } = aController();
    nudges.nudge(["web"]);
    await scene.clock.advance(0);
    expect(scene.noted).toEqual(["write web"]);
    expect(scene.memory().services["web"]).toBeUndefined();
    await controller.pause("web", { forMs: null, why: "maintenance" });
    await nudges.idle();
    expect(scene.noted).toContain("start web.1.1 on h1 (start-missing)");
    expect(scene.memory().services["web"]).toMatchObject({
      pause: { why: "maintenance" },
      slots: { 1: { generation: 1, confirmed: true } },
    });
  });

  it("is heard while other services are busy", async () => {
    const { scene, nudges, controller } = aController();
    void nudges.exclusive(["api"], () => new Promise<never>(() => undefined));
    await controller.pause("web", { forMs: 60_000, why: "maintenance" });
    expect(scene.memory().services["web"]).toMatchObject({ pause: { why: "maintenance" } });
  });
});
