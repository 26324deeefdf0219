import { describe, expect, test } from "vitest";
import { parseInfo } from "../../../src/adapters/redis/parse-info.ts";

const server = "# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\n";
const master = [
  "# Replication",
  "role:master",
  "connected_slaves:1",
  "slave0:ip=10.0.0.2,port=6379,state=online,offset=140,lag=0",
  "master_failover_state:no-failover",
  "master_replid:1111",
  "master_replid2:0000000000000000000000000000000000000000",
  "master_repl_offset:154",
  "second_repl_offset:-1",
].join("\r\n");
const replica = [
  "role:slave",
  "master_host:10.0.0.1",
  "master_port:6379",
  "master_link_status:down",
  "master_sync_in_progress:0",
  "slave_repl_offset:99",
  "master_link_down_since_seconds:7",
  "slave_priority:10",
  "replica_announced:0",
  "master_replid:1111",
  "master_replid2:2222",
  "master_repl_offset:99",
  "second_repl_offset:50",
].join("\r\n");

describe("what INFO says", () => {
  test("of a master", () => {
    expect(parseInfo(`${server}${master}\r\nloading:0\r\ndb0:keys=1,expires=0`)).toEqual({
      role: "master",
      runId: "abc",
      version: "7.0.15",
      loading: false,
      replicationId: "1111",
      secondReplicationId: null,
      secondOffset: -1,
      offset: 154,
      priority: 100,
      announced: true,
      empty: false,
      cannotSave: false,
      handingOver: false,
      follows: null,
      followers: [{ address: { host: "10.0.0.2", port: 6379 }, online: true, offset: 140 }],
    });
  });
  test("of a replica without its master", () => {
    expect(parseInfo(`${server}${replica}`)).toMatchObject({
      role: "replica",
      empty: true,
      offset: 99,
      priority: 10,
      announced: false,
      secondReplicationId: "2222",
      secondOffset: 50,
      follows: { master: { host: "10.0.0.1", port: 6379 }, up: false, syncing: false, downForMs: 7_000 },
    });
  });
  test("of a replica that was never linked, which is not the same as for no time", () => {
    const never = replica.replace("since_seconds:7", "since_seconds:-1");
    expect(parseInfo(`${server}${never}`).follows?.downForMs).toBeNull();
  });
  test.each(["rdb_last_bgsave_status", "aof_last_write_status"])("of one whose %s is bad", (field) => {
    expect(parseInfo(`${server}${master}\r\n${field}:err`).cannotSave).toBe(true);
    expect(parseInfo(`${server}${master}\r\n${field}:ok`).cannotSave).toBe(false);
  });
  test("of a master that takes writes only with enough replicas", () => {
    expect(parseInfo(`${server}${master}\r\nmin_slaves_good_slaves:1`).goodReplicas).toBe(1);
  });
  test.each(["role", "run_id"])("nothing, when it does not say its %s", (field) => {
    const without = `${server}${master}`.replace(`${field}:`, "other:");
    expect(() => parseInfo(without)).toThrow(`INFO does not say ${field}`);
  });
  test("nothing, when a number is none", () => {
    expect(() => parseInfo(`${server}${master.replace("offset:154", "offset:many")}`)).toThrow("no whole number");
  });
});
