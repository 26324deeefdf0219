import type { LeaderInfo } from "../../ports/coordination.ts";
import type { Answer, ReadOptions } from "../../ports/registry.ts";
import { RegistryError } from "../../ports/registry.ts";
import { mayRead } from "./access.ts";
import type { ConsulConnection } from "./connection.ts";
import { fields, filledText, list, text, wholeNumber } from "./decode.ts";
import { read } from "./read.ts";

export interface KeyEntry {
  readonly key: string;
  readonly text: string;
  readonly modifyIndex: number;
  readonly lockIndex: number;
  readonly session: string | null;
}

/**
 * One key, or all that begin with it. Rejects with `RegistryError` `denied` when there is nothing because the token
 * may not see it: Consul answers 404 to both, and a Memory believed empty would be overwritten.
 */
export async function readKeys(
  connection: ConsulConnection,
  key: string,
  options: ReadOptions,
  which: "one" | "all below",
): Promise<Answer<readonly KeyEntry[]>> {
  const wanted = {
    path: ["kv", ...key.split("/")],
    ...(which === "one" ? {} : { query: { recurse: "1" } }),
    what: `key ${key}`,
    alsoFine: [404],
  };
  const answer = await read(connection, wanted, options);
  const value = answer.value === null ? [] : list(answer.value, `key ${key}`, keyEntry);
  if (which === "all below" && value.length === 0 && !(await mayRead(connection, "key", key))) {
    throw new RegistryError("denied", `the token may not read the keys below ${key}`);
  }
  return { ...answer, value };
}

export function keyEntry(value: unknown, where: string): KeyEntry {
  const entry = fields(value, where);
  const content = entry["Value"];
  const session = entry["Session"];
  return {
    key: filledText(entry["Key"], `${where}.Key`),
    text:
      content === null || content === undefined
        ? ""
        : Buffer.from(text(content, `${where}.Value`), "base64").toString("utf8"),
    modifyIndex: wholeNumber(entry["ModifyIndex"], `${where}.ModifyIndex`),
    lockIndex: wholeNumber(entry["LockIndex"], `${where}.LockIndex`),
    session: session === undefined || session === null || session === "" ? null : text(session, `${where}.Session`),
  };
}

/** Who wrote itself into the leader key. One that cannot be read still holds the lock: it is shown as unknown. */
export function leaderInfo(content: string): LeaderInfo {
  let read: Partial<Record<keyof LeaderInfo, unknown>> = {};
  try {
    const parsed = JSON.parse(content) as unknown;
    if (typeof parsed === "object" && parsed !== null) read = parsed;
  } catch {
    // Shown as unknown below.
  }
  return {
    node: typeof read.node === "string" ? read.node : "unknown",
    processId: typeof read.processId === "number" ? read.processId : 0,
    version: typeof read.version === "string" ? read.version : "unknown",
    address: typeof read.address === "string" ? read.address : null,
  };
}
