import type { RedisAddress, RedisFollower, RedisLink, RedisNode } from "../../model/redis.ts";
import { RedisError } from "../../ports/redis.ts";

/**
 * Reads what a node says of itself from the sections `server`, `replication`, `persistence` and `keyspace` of `INFO`, as
 * Redis 4 to 8 and Valkey write them. Throws `RedisError` `failing` when a field that matters is not there: a guess
 * about a role is worse than none.
 */
export function parseInfo(text: string): RedisNode {
  const fields = fieldsOf(text);
  const role = required(fields, "role");
  return {
    role: role === "master" ? "master" : "replica",
    runId: required(fields, "run_id"),
    version: fields.get("valkey_version") ?? required(fields, "redis_version"),
    loading: fields.get("loading") === "1",
    replicationId: fields.get("master_replid") ?? "",
    secondReplicationId: secondId(fields.get("master_replid2")),
    secondOffset: whole(fields, "second_repl_offset", -1),
    offset: whole(fields, role === "master" ? "master_repl_offset" : "slave_repl_offset", 0),
    priority: whole(fields, "slave_priority", 100),
    announced: fields.get("replica_announced") !== "0",
    empty: ![...fields.keys()].some((name) => /^db\d+$/.test(name)),
    cannotSave: fields.get("rdb_last_bgsave_status") === "err" || fields.get("aof_last_write_status") === "err",
    ...(fields.has("min_slaves_good_slaves") ? { goodReplicas: whole(fields, "min_slaves_good_slaves", 0) } : {}),
    handingOver: (fields.get("master_failover_state") ?? "no-failover") !== "no-failover",
    follows: role === "master" ? null : linkOf(fields),
    followers: followersOf(fields),
  };
}

function fieldsOf(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

function linkOf(fields: ReadonlyMap<string, string>): RedisLink {
  const up = required(fields, "master_link_status") === "up";
  const downForS = whole(fields, "master_link_down_since_seconds", -1);
  return {
    master: { host: required(fields, "master_host"), port: whole(fields, "master_port", 0) },
    up,
    syncing: fields.get("master_sync_in_progress") === "1",
    downForMs: up ? 0 : downForS < 0 ? null : downForS * 1_000,
  };
}

/** `slave0:ip=10.0.0.2,port=6379,state=online,offset=14,lag=0` */
function followersOf(fields: ReadonlyMap<string, string>): readonly RedisFollower[] {
  return [...fields]
    .filter(([name]) => /^slave\d+$/.test(name))
    .map(([, value]) => {
      const parts = new Map(value.split(",").map((part) => part.split("=", 2) as [string, string]));
      const address: RedisAddress = { host: parts.get("ip") ?? "", port: Number(parts.get("port") ?? 0) };
      return { address, online: parts.get("state") === "online", offset: Number(parts.get("offset") ?? 0) };
    });
}

function secondId(value: string | undefined): string | null {
  return value === undefined || /^0*$/.test(value) ? null : value;
}

function required(fields: ReadonlyMap<string, string>, name: string): string {
  const value = fields.get(name);
  if (value === undefined) throw new RedisError("failing", `INFO does not say ${name}`);
  return value;
}

function whole(fields: ReadonlyMap<string, string>, name: string, otherwise: number): number {
  const value = Number(fields.get(name) ?? otherwise);
  if (!Number.isSafeInteger(value)) throw new RedisError("failing", `INFO says ${name} is no whole number`);
  return value;
}
