import type { CommitResult, Lease, MemoryWrite } from "../../ports/coordination.ts";
import { RegistryError } from "../../ports/registry.ts";
import type { ConsulConnection } from "./connection.ts";
import { fields, list, listOrNone, wholeNumber } from "./decode.ts";
import { refusal } from "./failures.ts";
import { keyEntry } from "./key-value.ts";
import { json } from "./read.ts";

interface CommitDeps {
  readonly connection: ConsulConnection;
  /** `heal/live/` */
  readonly root: string;
  readonly leaderKey: string;
}

/** Consul takes 64 operations in one transaction; one of them asks whether the lock is still held. */
const writesMax = 63;
/** Consul takes half a megabyte (`txn_max_req_len`); what is left over is for keys and JSON around the values. */
const valueBytesMax = 384 * 1024;

/**
 * Writes in as few transactions as Consul's limits allow, one after the other, each of which asks for the lock and for
 * every key's index. What fits into one is written whole or not at all. Beyond that a failure may leave the earlier
 * transactions written, which is safe because each key is a whole of its own (one per service) and each write was
 * fenced by itself: whoever looks next finds every service as it was or as it was meant to be, never a mix.
 */
export async function commitWrites(
  deps: CommitDeps,
  lease: Lease,
  writes: readonly MemoryWrite[],
): Promise<CommitResult> {
  const entries: { key: string; modifyIndex: number }[] = [];
  for (const part of parts(writes)) {
    const result = await commitPart(deps, lease, part);
    if (result.kind !== "committed") return result;
    entries.push(...result.entries);
  }
  return { kind: "committed", entries };
}

async function commitPart(
  { connection, root, leaderKey }: CommitDeps,
  lease: Lease,
  writes: readonly MemoryWrite[],
): Promise<CommitResult> {
  const what = "writing Memory";
  const operations = [
    { KV: { Verb: "check-session", Key: leaderKey, Session: lease.sessionId } },
    ...writes.map((write) => ({ KV: operation(root, write) })),
  ];
  const reply = await connection.request({ method: "PUT", path: ["txn"], json: operations });
  if (reply.status === 409) return conflict(json(reply, what), writes);
  if (reply.status !== 200) throw refusal(reply, what);
  const results = listOrNone(fields(json(reply, what), what)["Results"], `${what}: Results`, (value, where) =>
    keyEntry(fields(value, where)["KV"], `${where}.KV`),
  );
  const written = new Map(results.map((entry) => [entry.key, entry.modifyIndex]));
  return {
    kind: "committed",
    entries: writes.map(({ key, text }) => ({ key, modifyIndex: indexOf(written, root + key, text) })),
  };
}

function operation(root: string, { key, text, modifyIndex }: MemoryWrite): object {
  const at = { Key: root + key, Index: modifyIndex };
  return text === null
    ? { Verb: "delete-cas", ...at }
    : { Verb: "cas", ...at, Value: Buffer.from(text).toString("base64") };
}

function indexOf(written: ReadonlyMap<string, number>, key: string, text: string | null): number {
  if (text === null) return 0;
  const index = written.get(key);
  if (index === undefined) throw new RegistryError("unclear", `Consul's answer does not say that ${key} was written`);
  return index;
}

/** Operation 0 is the lock; the others are the writes, in their order. */
function conflict(answer: unknown, writes: readonly MemoryWrite[]): CommitResult {
  const positions = list(fields(answer, "transaction")["Errors"], "transaction.Errors", (value, where) =>
    wholeNumber(fields(value, where)["OpIndex"], `${where}.OpIndex`),
  );
  if (positions.includes(0)) return { kind: "lock-lost" };
  const keys = positions.flatMap((position) => writes[position - 1]?.key ?? []);
  if (keys.length === 0) throw new RegistryError("unclear", "Consul refused to write Memory without saying which key");
  return { kind: "changed", keys };
}

function parts(writes: readonly MemoryWrite[]): MemoryWrite[][] {
  const all: MemoryWrite[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const write of writes) {
    const size = encodedBytes(write);
    if (size > valueBytesMax) throw new RegistryError("refused", `${write.key} is too large for Consul: ${size} bytes`);
    if (bytes + size > valueBytesMax || all.at(-1)!.length >= writesMax) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1)!.push(write);
    bytes += size;
  }
  return all;
}

/** Base64 makes four bytes of three; what stands around each value is about 200 more. */
function encodedBytes({ key, text }: MemoryWrite): number {
  return Math.ceil(Buffer.byteLength(text ?? "") / 3) * 4 + Buffer.byteLength(key) + 200;
}
