import { describe, expect, it } from "vitest";
import { decide, reconcile } from "../../src/loop/reconcile.ts";
import { aService } from "../builders/service.ts";
import { aWorldOf } from "./support/a-world.ts";

const web = aService("web", { count: 1 });
const api = aService("api", { count: 1 });

/** Services that a pass about what is new has planned. */
async function planned(scene: ReturnType<typeof aWorldOf>, names: readonly string[] = ["web"]): Promise<string[]> {
  const { plan } = await decide(scene.world, names, "mirror", "news");
  return Object.keys(plan.services);
}

/** Looked at and written down as often as it takes until there is nothing left to remember. */
async function foundWell(scene: ReturnType<typeof aWorldOf>, names: readonly string[] = ["web"]): Promise<void> {
  await reconcile(scene.world, names);
  await reconcile(scene.world, names);
}

describe("a service that was found well", () => {
  it("is not planned again while it is seen the very same", async () => {
    const scene = aWorldOf(web);
    scene.runs(web, 1);
    expect(await planned(scene)).toEqual(["web"]);
    await foundWell(scene);
    expect(await planned(scene)).toEqual([]);
  });

  it("is planned when somebody asks about all", async () => {
    const scene = aWorldOf(web);
    scene.runs(web, 1);
    await foundWell(scene);
    const { plan } = await decide(scene.world, ["web"]);
    expect(Object.keys(plan.services)).toEqual(["web"]);
  });

  it("is planned when something has come to it, and another one beside it is not", async () => {
    const scene = aWorldOf(web, api);
    scene.runs(web, 1);
    scene.runs(api, 1);
    await foundWell(scene, ["api", "web"]);
    scene.runs(web, 2);
    expect(await planned(scene, ["api", "web"])).toEqual(["web"]);
  });

  it("is planned when something else is remembered of it", async () => {
    const scene = aWorldOf(web);
    scene.runs(web, 1);
    await foundWell(scene);
    const { memory } = await decide(scene.world, ["web"]);
    const remembered = memory.services["web"];
    if (remembered === undefined) throw new Error("nothing is remembered");
    const pause = { sinceMs: 0, untilMs: null, why: "a person" };
    await scene.world.memory.commit(scene.world.fence(), { services: { web: { ...remembered, pause } } });
    expect(await planned(scene)).toEqual(["web"]);
  });
});

it("always plans what was never found well", async () => {
  const scene = aWorldOf(web);
  expect(await planned(scene)).toEqual(["web"]);
  expect(await planned(scene)).toEqual(["web"]);
});
