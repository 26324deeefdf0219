import { describe, expect, test } from "vitest";
import type { RetagRoles } from "../../../src/model/action.ts";
import { decideRoles } from "../../../src/plan/redis/decide.ts";
import { intendRoles, learnRoles } from "../../../src/plan/redis/memory.ts";
import { aGroup, aNode, aPart, aReplica, cutOff, NOW_MS } from "../../builders/redis.ts";

const master = aPart(1, { tags: ["master"] });
const former = aPart(2, { says: aReplica(2, 1), tags: ["slave"] });
const untold = { "container-2": 0 };

describe("an agent that could not be told that its node is no master any more", () => {
  test("is told once it can be, whatever else there is to do (simulator seed 930327)", () => {
    const decision = decideRoles(aGroup([master, former], { memory: { untold } }));
    expect(decision.actions).toMatchObject([{ kind: "forget-role", node: { containerId: "container-2" } }]);
    const silent = aPart(1, { says: null, silentForMs: 1_500, tags: ["master"] });
    const away = aPart(2, { says: cutOff(2, 1) });
    const resting = aGroup([silent, away], { memory: { untold, cooldownUntilMs: NOW_MS + 500 } });
    expect(decideRoles(resting)).toMatchObject({ busy: true, actions: [{ kind: "forget-role" }] });
  });
  test("is waited for while its host does not answer, and for a while after it has refused", () => {
    const silentHosts = { h1: "no route" };
    const kinds = decideRoles(aGroup([master, former], { memory: { untold }, silentHosts })).actions;
    expect(kinds).not.toContainEqual(expect.objectContaining({ kind: "forget-role" }));
    const later = decideRoles(aGroup([master, former], { memory: { untold: { "container-2": NOW_MS + 3_000 } } }));
    expect(later).toMatchObject({ actions: [], lookAgainAtMs: NOW_MS + 3_000 });
  });
  test("is left alone when its node is the master again", () => {
    expect(decideRoles(aGroup([master, former], { memory: { untold: { "container-1": 0 } } })).actions).toEqual([]);
  });
  test("needs to be told nothing of what has ended, or of a name that another has by now", () => {
    const ended = aPart(2, { state: "exited" });
    expect(decideRoles(aGroup([master, ended], { memory: { untold } })).memory.untold).toEqual({});
    const group = aGroup([master, former], { memory: { untold } });
    const { instance } = former;
    const successor = { ...instance, container: { ...instance.container, id: "container-9", generation: 2 } };
    expect(decideRoles({ ...group, instances: [...group.instances, successor] }).memory.untold).toEqual({});
  });
});

describe("who loses the master's tag", () => {
  const group = aGroup([aPart(1, { says: aNode(1, { role: "master" }) }), former]);
  const retag = {
    kind: "retag-roles",
    former: [{ containerId: "container-1" }],
  } as unknown as RetagRoles;
  const intended = intendRoles(group.memory, [retag], NOW_MS);
  test("is written down before anything is sent", () => {
    expect(intended.untold).toEqual({ "container-1": NOW_MS });
  });
  test("is forgotten about once its agent has been told, and tried again where it was not", () => {
    const done = { kind: "done", action: retag, tookMs: 1, note: null } as const;
    expect(learnRoles(intended, [{ ...done, untold: [] }], NOW_MS).untold).toEqual({});
    expect(learnRoles(intended, [{ ...done, untold: ["container-1"] }], NOW_MS).untold).toEqual({
      "container-1": NOW_MS + 3_000,
    });
    const failed = { kind: "failed", action: retag, tookMs: 1, message: "no leader", retry: "later" } as const;
    expect(learnRoles(intended, [failed], NOW_MS).untold).toEqual({ "container-1": NOW_MS + 3_000 });
  });
});
