import { registrationKey, tagsByRole } from "../../src/model/redis.ts";
import type { RetagWish, RoleTags } from "../../src/ports/redis.ts";
import { RegistryError } from "../../src/ports/registry.ts";
import { assertLeader, lineTo } from "./consul-line.ts";
import type { ConsulDeps } from "./consul-line.ts";
import type { Process } from "./process.ts";
import { ask } from "./wire.ts";
import type { Call } from "./wire.ts";

export interface SimulatedRoleTagsDeps extends ConsulDeps {
  readonly witness: RoleTagsWitness;
  /** A planted mistake: what a server that lags behind tells is written back whatever has become of it meanwhile. */
  readonly blind: boolean;
}

/** Hears of every change of role tags, when it is sent and right before it takes effect. */
export interface RoleTagsWitness {
  ordered(process: Process, consulName: string, what: string): void;
  retagging(process: Process, consulName: string, changes: readonly TagChange[]): void;
  retagged(): void;
}

export interface TagChange {
  readonly node: string;
  readonly id: string;
  readonly tags: readonly string[];
  readonly modifyIndex: number;
}

const calls = {
  read: { name: "tags.read", mutates: false, deadlineMs: 5_000 },
  write: { name: "tags.write", mutates: true, deadlineMs: 5_000 },
} as const satisfies Record<string, Call>;
const attemptsMax = 8;
/** As far behind as a server may be at all. */
const blindLagMs = 20_000;

/** The RoleTags port of one controller: a consistent read and a transaction, as often as something comes in between. */
export function simulatedRoleTags(deps: SimulatedRoleTagsDeps): RoleTags {
  const { process, servers, agent, witness } = deps;
  const read = (wish: RetagWish): Promise<readonly TagChange[]> =>
    ask(lineTo(deps, agent), calls.read, () => {
      assertLeader(deps);
      if (deps.conditions.acl === "filtered") return [];
      return servers
        .service(wish.consulName, deps.blind ? blindLagMs : 0)
        .value.flatMap(({ node, id, tags, modifyIndex }) => {
          const wanted = tagsByRole(registrationKey({ node, id }), tags, wish);
          return wanted === tags ? [] : [{ node, id, tags: wanted, modifyIndex }];
        });
    });
  const write = (consulName: string, changes: readonly TagChange[]): Promise<boolean> => {
    if (process.alive()) witness.ordered(process, consulName, `sets tags of ${consulName}`);
    return ask(lineTo(deps, agent), calls.write, () => {
      assertLeader(deps);
      const entries = changes.map((change) => ({ change, entry: servers.entry(change.node, change.id) }));
      const isStale = entries.some(({ change, entry }) => entry?.modifyIndex !== change.modifyIndex);
      if (isStale && !deps.blind) return false;
      witness.retagging(process, consulName, changes);
      servers.putAll(
        entries.flatMap(({ change: { tags }, entry }) =>
          entry === undefined ? [] : [{ ...entry, tags, tagOverride: true }],
        ),
      );
      witness.retagged();
      return true;
    });
  };
  return {
    async retag(wish, fence) {
      for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
        const changes = await read(wish);
        if (changes.length === 0) return "same";
        fence();
        if (await write(wish.consulName, changes)) return "changed";
      }
      throw new RegistryError(
        "refused",
        `the registrations of ${wish.consulName} change faster than they are retagged`,
      );
    },
  };
}
