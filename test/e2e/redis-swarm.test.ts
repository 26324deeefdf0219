/** Redis as a Swarm service: Swarm starts and replaces the tasks, heal gives them their roles. */
import { afterEach, expect, inject, test } from "vitest";
import { askEngine } from "../../scripts/machine/engine-api.ts";
import { ask, keep, newMaster, signal, whole } from "./support/redis-faults.ts";
import type { RedisHeal } from "./support/redis-heal.ts";
import { openRedisHeal } from "./support/redis-heal.ts";

let heal: RedisHeal | null = null;
afterEach(async () => {
  await heal?.stopHeal();
  if (heal !== null) await askEngine(inject("docker"), "DELETE", `/services/${heal.service}`).catch(() => undefined);
  await heal?.end();
  heal = null;
});

test("tasks of a Swarm service get their roles, and another master when the master's task dies", async () => {
  heal = await openRedisHeal({ service: { runtime: "swarm" } });
  const of = heal;
  const old = await whole(of);
  await keep(of, old);
  await signal(of, old.container, "SIGKILL");
  const master = await newMaster(of, old);
  expect(await ask(master, "GET", "kept")).toBe("yes");
  const again = await whole(of, 3, 90_000);
  expect(again.container).toBe(master.container);
}, 180_000);
