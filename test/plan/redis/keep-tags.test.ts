import { expect, test } from "vitest";
import { tagsByRole } from "../../../src/model/redis.ts";
import { keepTags } from "../../../src/plan/redis/keep-tags.ts";
import { addressOf, aGroup, aNode, aPart, roles } from "../../builders/redis.ts";

test("a registration of the same slot on another node gets no role (simulator seeds 4, 14, 22)", () => {
  const parts = [aPart(1, { says: aNode(1) })];
  const group = aGroup(parts);
  const [own] = group.registrations;
  if (own === undefined) throw new Error("no registration");
  // The host that had the slot before does not answer, and its agent goes on listing what ran there.
  const left = { ...own, node: "n2", address: addressOf(9).host, tags: ["master"] };
  const registrations = [own, left];
  const [action] = keepTags({ ...group, registrations }, group.memory.master, group.nodes[0] ?? null);
  expect(action?.master).toBe("n1/heal.live.cache.1");
  if (action === undefined) throw new Error("no action");
  const wish = { ...roles, ...action };
  expect(tagsByRole("n1/heal.live.cache.1", [], wish)).toEqual(["master"]);
  expect(tagsByRole("n2/heal.live.cache.1", ["master"], wish)).toEqual([]);
});

test("the agent of a master that has ended forgets it with the tag: it would write it back (simulator seed 952885)", () => {
  const ended = aPart(1, { state: "exited", tags: ["master"] });
  const [action] = keepTags(aGroup([ended, aPart(2, { says: null })]), null, null);
  expect(action).toMatchObject({
    master: null,
    former: [{ containerId: "container-1", registration: "n1/heal.live.cache.1" }],
  });
});
