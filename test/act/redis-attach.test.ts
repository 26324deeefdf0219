import { describe, expect, test } from "vitest";
import type { Hands } from "../../src/act/hands.ts";
import { attachReplica } from "../../src/act/redis-attach.ts";
import type { AttachReplica } from "../../src/model/action.ts";
import type { RedisNode } from "../../src/model/redis.ts";
import type { Redis } from "../../src/ports/redis.ts";
import { RedisError } from "../../src/ports/redis.ts";
import { addressOf, aNode, roles, aRef } from "../builders/redis.ts";
import { aService } from "../builders/service.ts";
import { fakeClock } from "../loop/support/fake-clock.ts";

const service = aService("cache", { redis: { ...roles, minReplicasToWrite: 1 } });

const attach: AttachReplica = {
  kind: "attach-replica",
  service: "cache",
  node: aRef(2),
  master: aRef(1),
  keepAsideAs: "diverged-7-run-2",
  mark: "",
  because: { rule: "redis-replicas", evidence: "" },
};
const followed = { followers: [{ address: addressOf(3), online: true, offset: 1 }] };

/** Slot 2 saves for as long as it is let; `linksFail`: its file system knows no second name for a file. */
function aStage({ linksFail = false } = {}) {
  const clock = fakeClock();
  const done: string[] = [];
  const stage: { master: RedisNode | null; saved: () => void } = { master: aNode(1, followed), saved: () => undefined };
  const nodes = {
    async look() {
      if (stage.master === null) throw new RedisError("silent", "no answer");
      return stage.master;
    },
    save: () => new Promise<string>((resolve) => (stage.saved = () => resolve("/data/dump.rdb"))),
    configure: async () => [],
    async follow() {
      done.push("follows");
    },
  } as Partial<Redis> as Redis;
  const run = async (_id: string, [program = "", ...words]: readonly string[]) => {
    done.push([program, ...words].join(" "));
    return { exitCode: program === "ln" && linksFail ? 1 : 0, output: "" };
  };
  const hands = { redis: { nodes }, engines: { h1: { run } }, clock, fence: () => "sequencer" } as unknown as Hands;
  return { hands, done, stage, clock };
}

const begin = ({ hands }: ReturnType<typeof aStage>) => {
  const outcome = attachReplica(hands, service, attach);
  // Whether it was given up is asked for later.
  outcome.catch(() => undefined);
  return outcome;
};

describe("a node whose data the master does not have", () => {
  test("follows once it has saved that, and what it saved has another name", async () => {
    const stage = aStage();
    const outcome = begin(stage);
    await stage.clock.advance(60_000);
    expect(stage.done).toEqual([]);
    stage.stage.saved();
    expect(await outcome).toContain("kept aside as /data/dump.rdb.diverged-7-run-2");
    expect(stage.done).toEqual(["ln -f /data/dump.rdb /data/dump.rdb.diverged-7-run-2", "follows"]);
  });
  test("has it copied where a file can have one name only", async () => {
    const stage = aStage({ linksFail: true });
    const outcome = begin(stage);
    await stage.clock.advance(0);
    stage.stage.saved();
    await outcome;
    expect(stage.done).toContain("cp /data/dump.rdb /data/dump.rdb.diverged-7-run-2");
  });

  const ends: readonly (readonly [string, RedisNode | null])[] = [
    ["falls silent", null],
    ["begins anew", aNode(1, { ...followed, runId: "another" })],
    ["loses those without whom it takes no writes", aNode(1)],
  ];
  test.each(ends)("is left alone for now when the master %s: another one must not wait for it", async (_, then) => {
    const stage = aStage();
    const outcome = begin(stage);
    await stage.clock.advance(500);
    stage.stage.master = then;
    await stage.clock.advance(roles.downAfterMs + 500);
    await expect(outcome).rejects.toMatchObject({ retry: "later" });
    stage.stage.saved();
    await stage.clock.advance(1_000);
    expect(stage.done).toEqual([]);
  });
  test("is waited for where the master has nobody else to follow it, and through one lost answer", async () => {
    const stage = aStage();
    stage.stage.master = aNode(1);
    const outcome = begin(stage);
    await stage.clock.advance(10_000);
    stage.stage.master = null;
    await stage.clock.advance(roles.downAfterMs / 2);
    stage.stage.master = aNode(1);
    await stage.clock.advance(10_000);
    stage.stage.saved();
    await outcome;
    expect(stage.done).toContain("follows");
  });
});
