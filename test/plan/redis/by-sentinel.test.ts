import { describe, expect, test } from "vitest";
import { known, unknown } from "../../../src/model/known.ts";
import { decideRoles } from "../../../src/plan/redis/decide.ts";
import { addressOf, aGroup, aNode, aPart, aReplica, cutOff, NOW_MS } from "../../builders/redis.ts";
import { kinds } from "./kinds.ts";

describe("under Sentinel's authority", () => {
  const sentinel = { roles: { authority: "sentinel" as const } };
  test("the tags follow Sentinel's word once the node confirms it, and nothing else is done", () => {
    const parts = [
      aPart(1, { state: "exited", tags: ["master"] }),
      aPart(2, { says: aNode(2), tags: ["slave"] }),
      aPart(3, { says: cutOff(3, 1) }),
    ];
    const decision = decideRoles(aGroup(parts, { ...sentinel, sentinel: known(addressOf(2), NOW_MS) }));
    expect(decision.actions).toMatchObject([{ kind: "retag-roles", master: "n1/heal.live.cache.2" }]);
  });
  test("a node that is reached by its host's name is known again by the address that Sentinel says", () => {
    const parts = [aPart(1, { says: aNode(1) }), aPart(2, { says: aReplica(2, 1), tags: ["slave"] })];
    const named = parts.map(({ instance, view }, at) => {
      const byName = { host: `redis-${at + 1}.example`, port: addressOf(at + 1).port };
      const aliases = [byName, addressOf(at + 1)];
      return { instance, view: view === null ? null : { ...view, address: byName, peer: byName, aliases } };
    });
    const decision = decideRoles(aGroup(named, { ...sentinel, sentinel: known(addressOf(1), NOW_MS) }));
    expect(decision.actions).toMatchObject([{ kind: "retag-roles", master: "n1/heal.live.cache.1" }]);
    expect(decision.standing.kind).toBe("well");
  });
  test("nobody is promoted when the master ends", () => {
    const parts = [aPart(1, { state: "exited", tags: ["master"] }), aPart(2, { says: cutOff(2, 1) })];
    const decision = decideRoles(aGroup(parts, { ...sentinel, sentinel: known(addressOf(1), NOW_MS) }));
    expect(decision.actions).toMatchObject([{ kind: "retag-roles", master: null }]);
  });
  test("no empty instance is started in the place of a master that ended, until Sentinel has chosen another", () => {
    const parts = [aPart(1, { state: "exited" }), aPart(2, { says: cutOff(2, 1) })];
    const group = (slot: number) => aGroup(parts, { ...sentinel, sentinel: known(addressOf(slot), NOW_MS) });
    expect(decideRoles(group(1)).busy).toBe(true);
    const chosen = [aPart(1, { state: "exited" }), aPart(2, { says: aNode(2) })];
    expect(decideRoles(aGroup(chosen, { ...sentinel, sentinel: known(addressOf(2), NOW_MS) })).busy).toBe(false);
  });
  test("nothing changes while Sentinel cannot be asked", () => {
    const parts = [aPart(1, { says: aNode(1) })];
    expect(kinds(aGroup(parts, { ...sentinel, sentinel: unknown("no answer") }))).toEqual([]);
  });
});
