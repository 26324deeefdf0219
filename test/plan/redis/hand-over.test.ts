import { describe, expect, test } from "vitest";
import type { RedisNode } from "../../../src/model/redis.ts";
import { decideRoles } from "../../../src/plan/redis/decide.ts";
import type { RedisSituation } from "../../../src/plan/redis/situation.ts";
import { aGroup, aNode, aPart, aReplica } from "../../builders/redis.ts";
import { kinds } from "./kinds.ts";

describe("one whose slot holds another that is registered", () => {
  /** 1 and 2 with a role, and 3 as an older instance of slot 2: nobody lists it, and nobody will. */
  const withOlder = (says: RedisNode, master: number): RedisSituation => {
    const group = aGroup(
      [
        aPart(1, { says: master === 1 ? aNode(1) : aReplica(1, 3), tags: master === 1 ? ["master"] : ["slave"] }),
        aPart(2, { says: aReplica(2, master === 1 ? 1 : 3), tags: ["slave"] }),
        aPart(3, { says, tags: [] }),
      ],
      { master },
    );
    const nodes = group.nodes.map((one) =>
      one.containerId === "container-3" ? { ...one, slot: 2, registration: null } : one,
    );
    return { ...group, nodes, registrations: group.registrations.slice(0, 2) };
  };

  test("and calls itself a master beside the master is made a replica all the same, so that it can go (seed 910003)", () => {
    const { actions } = decideRoles(withOlder(aNode(3, { replicationId: "other" }), 1));
    expect(actions).toMatchObject([{ kind: "attach-replica", node: { containerId: "container-3" } }]);
  });
  test("and is the master hands over to one that is listed (simulator seed 910003)", () => {
    const decision = decideRoles(withOlder(aNode(3), 3));
    expect(decision.actions).toMatchObject([
      { kind: "switch-over", from: { containerId: "container-3" }, to: { containerId: "container-1" } },
    ]);
    expect(decision.busy).toBe(true);
  });
  test("and is the master hands over also where it is listed still: that entry goes with it (simulator seed 953339)", () => {
    const replaced = (generation: number, status: "passing" | "critical") => {
      const group = aGroup([
        aPart(1, { says: aNode(1), tags: ["master"] }),
        aPart(2, { says: aReplica(2, 1), tags: ["slave"] }),
      ]);
      const instances = group.instances.map((one) =>
        one.container.id !== "container-2" || one.registration === null
          ? one
          : {
              ...one,
              container: { ...one.container, slot: 1, generation },
              registration: { ...one.registration, status },
            },
      );
      return kinds({ ...group, instances });
    };
    expect(replaced(2, "passing")).toEqual(["switch-over"]);
    expect(replaced(2, "critical")).not.toContain("switch-over");
    expect(replaced(1, "passing")).not.toContain("switch-over");
  });
  test("and is the master stays it while its host's engine is silent: its slot may not hold another", () => {
    const decision = decideRoles({ ...withOlder(aNode(3), 3), silentHosts: { h1: "no answer" } });
    expect(decision.actions.filter(({ kind }) => kind === "switch-over")).toEqual([]);
  });
});
