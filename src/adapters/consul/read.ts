import type { Answer, ReadOptions } from "../../ports/registry.ts";
import { RegistryError } from "../../ports/registry.ts";
import type { ConsulConnection, ConsulReply } from "./connection.ts";
import { refusal } from "./failures.ts";

export interface Read {
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  /** For messages: `services named web`. */
  readonly what: string;
  /** Statuses that are answers too: 404 of a key that is not there. */
  readonly alsoFine?: readonly number[];
}

/** The answer of a read with what Consul says about it, and the value as JSON not yet looked at. */
export async function read(connection: ConsulConnection, wanted: Read, options: ReadOptions): Promise<Answer<unknown>> {
  const answer = await readText(connection, wanted, options);
  return { ...answer, value: answer.value === null ? null : json({ text: answer.value }, wanted.what) };
}

/** The same with the value as text, for `json`; null where a status that is an answer too has none. */
export async function readText(
  connection: ConsulConnection,
  wanted: Read,
  options: ReadOptions,
): Promise<Answer<string | null>> {
  const waitMs = options.waitMs ?? 60_000;
  const blocks = options.index !== undefined && options.index > 0;
  const reply = await connection.request({
    method: "GET",
    path: wanted.path,
    query: {
      ...wanted.query,
      ...consistency(options),
      ...(blocks ? { index: String(options.index), wait: `${Math.round(waitMs)}ms` } : {}),
    },
    // Consul adds up to a sixteenth to the wait, so that clients do not all come back at once.
    ...(blocks ? { blocksMs: waitMs + waitMs / 16 } : {}),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (reply.status !== 200 && wanted.alsoFine?.includes(reply.status) !== true) throw refusal(reply, wanted.what);
  return { value: reply.status === 200 ? reply.text : null, ...about(reply, wanted.what) };
}

function consistency(options: ReadOptions): Record<string, string> {
  return options.consistency === "default" ? {} : { [options.consistency]: "1" };
}

/** @throws RegistryError `unclear` */
export function json(reply: Pick<ConsulReply, "text">, what: string): unknown {
  try {
    return JSON.parse(reply.text) as unknown;
  } catch (error) {
    throw new RegistryError("unclear", `${what}: Consul's answer is not JSON`, { cause: error });
  }
}

function about(reply: ConsulReply, what: string): Omit<Answer<unknown>, "value"> {
  const index = Number(header(reply, "x-consul-index"));
  if (!Number.isSafeInteger(index))
    throw new RegistryError("unclear", `${what}: Consul's answer carries no usable index`);
  const lastContactMs = Number(header(reply, "x-consul-lastcontact"));
  return {
    index,
    knownLeader: header(reply, "x-consul-knownleader") === "true",
    lastContactMs: Number.isFinite(lastContactMs) ? lastContactMs : Number.POSITIVE_INFINITY,
    filtered: header(reply, "x-consul-results-filtered-by-acls") === "true",
  };
}

function header(reply: ConsulReply, name: string): string | undefined {
  const value = reply.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
