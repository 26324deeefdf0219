import type { Clock } from "../../ports/clock.ts";
import type { Coordination, LeaderView, Lease } from "../../ports/coordination.ts";
import type { Random } from "../../ports/random.ts";
import { RegistryError } from "../../ports/registry.ts";
import { commitWrites } from "./commit.ts";
import type { ConsulConnection } from "./connection.ts";
import { openSession } from "./session.ts";
import { leaderInfo, readKeys, type KeyEntry } from "./key-value.ts";

export interface ConsulCoordinationDeps {
  /**
   * The local agent, over connections of its own: a lease must not be lost because slow reads of the registry take all
   * the connections there are.
   */
  readonly connection: ConsulConnection;
  readonly clock: Clock;
  readonly random: Random;
}

/** Leader lock and Memory under `heal/<environment>/` in Consul KV. */
export function consulCoordination(deps: ConsulCoordinationDeps, environment: string): Coordination {
  const { connection } = deps;
  const root = `heal/${environment}/`;
  const leaderKey = `${root}leader`;

  return {
    openSession: (options) => openSession(deps, { environment, leaderKey, ...options }),

    async readLeader(options) {
      const blocks = options.index !== undefined && options.index > 0;
      const answer = await readKeys(
        connection,
        leaderKey,
        { consistency: blocks ? "default" : "consistent", ...options },
        "one",
      );
      if (!answer.knownLeader) throw new RegistryError("no-leader", "the Consul cluster has no leader");
      return leaderView(answer.value[0], answer.index);
    },

    async loadMemory(prefix = "memory/") {
      const answer = await readKeys(connection, root + prefix, { consistency: "consistent" }, "all below");
      return answer.value.map((entry) => ({
        key: entry.key.slice(root.length),
        text: entry.text,
        modifyIndex: entry.modifyIndex,
      }));
    },

    commit: (lease, writes) => commitWrites({ connection, root, leaderKey }, lease, writes),
  };
}

function leaderView(entry: KeyEntry | undefined, index: number): LeaderView {
  if (entry === undefined || entry.session === null) return { holder: null, lease: null, index };
  const lease: Lease = { sessionId: entry.session, lockIndex: entry.lockIndex };
  return { holder: leaderInfo(entry.text), lease, index };
}
