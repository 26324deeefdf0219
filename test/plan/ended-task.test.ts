import { expect, it } from "vitest";
import { aWorld } from "../builders/world.ts";
import { does } from "./support/say.ts";
import { aSwarmBinding } from "../builders/swarm.ts";

it("takes back the registration of a Swarm task that has ended, whose container Swarm keeps", () => {
  const world = aWorld()
    .withService("web", { count: 1 })
    .withBinding("web", aSwarmBinding())
    .withInstance("web", null, { on: "h2", registration: { id: "web.1.new" } })
    .withInstance("web", null, { state: "exited", consul: "critical", registration: { id: "web.1.old" } });
  expect(does(world.plan())).toEqual([]);
  expect(does(world.looked().plan())).toEqual(["deregister web.1.old on h1-node (deregister-ghost)"]);
});

it("leaves the registration of one of our own to whoever clears it away", () => {
  const world = aWorld()
    .withService("web", { count: 1 })
    .withInstance("web", 1, { state: "exited", consul: "critical" });
  expect(does(world.looked().plan()).filter((line) => line.startsWith("deregister"))).toEqual([]);
});
