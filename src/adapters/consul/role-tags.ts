import { registrationKey, tagsByRole } from "../../model/redis.ts";
import type { RetagWish, RoleTags } from "../../ports/redis.ts";
import { RegistryError } from "../../ports/registry.ts";
import type { ConsulConnection } from "./connection.ts";
import { fields, filledText, list, listOrNone, text, wholeNumber } from "./decode.ts";
import { refusal } from "./failures.ts";
import { read } from "./read.ts";

/** Anti-entropy and health changes may move an index between the read and the write; nobody writes forever. */
const ATTEMPTS_MAX = 8;
/** Consul takes so many operations in one transaction. */
const OPERATIONS_MAX = 64;

interface Entry {
  readonly node: string;
  readonly id: string;
  readonly tags: readonly string[];
  readonly modifyIndex: number;
  /** The whole service as Consul gave it: a write replaces everything. */
  readonly service: Readonly<Record<string, unknown>>;
}

/** Role tags in the catalog: read consistently, written with `cas` on every entry that changes, all or none. */
export function consulRoleTags(connection: ConsulConnection): RoleTags {
  return {
    async retag(wish, fence) {
      for (let attempt = 1; ; attempt += 1) {
        const entries = await readEntries(connection, wish.consulName);
        const changes = changesFor(entries, wish);
        if (changes.length === 0) return "same";
        if (changes.length > OPERATIONS_MAX)
          throw new RegistryError("refused", "too many registrations to retag at once");
        fence();
        if (await write(connection, changes)) return "changed";
        if (attempt === ATTEMPTS_MAX) {
          throw new RegistryError(
            "refused",
            `the registrations of ${wish.consulName} change faster than they are retagged`,
          );
        }
      }
    },
  };
}

async function readEntries(connection: ConsulConnection, name: string): Promise<readonly Entry[]> {
  const what = `services named ${name}`;
  const answer = await read(connection, { path: ["health", "service", name], what }, { consistency: "consistent" });
  if (!answer.knownLeader) throw new RegistryError("no-leader", `${what}: Consul has no leader`);
  return list(answer.value, "services", (value, where) => {
    const entry = fields(value, where);
    const service = fields(entry["Service"], `${where}.Service`);
    return {
      node: filledText(fields(entry["Node"], `${where}.Node`)["Node"], `${where}.Node.Node`),
      id: filledText(service["ID"], `${where}.Service.ID`),
      tags: listOrNone(service["Tags"], `${where}.Service.Tags`, text),
      modifyIndex: wholeNumber(service["ModifyIndex"], `${where}.Service.ModifyIndex`),
      service,
    };
  });
}

function changesFor(entries: readonly Entry[], wish: RetagWish): readonly Entry[] {
  return entries.flatMap((entry) => {
    const tags = tagsByRole(registrationKey(entry), entry.tags, wish);
    return tags === entry.tags ? [] : [{ ...entry, tags }];
  });
}

/** False when something changed since it was read: then nothing was written. */
async function write(connection: ConsulConnection, changes: readonly Entry[]): Promise<boolean> {
  const operations = changes.map(({ node, tags, modifyIndex, service }) => ({
    Service: {
      Verb: "cas",
      Node: node,
      Service: { ...service, Tags: tags, EnableTagOverride: true, ModifyIndex: modifyIndex },
    },
  }));
  const reply = await connection.request({ method: "PUT", path: ["txn"], json: operations });
  if (reply.status === 200) return true;
  if (reply.status === 409) return false;
  throw refusal(reply, "setting role tags");
}
