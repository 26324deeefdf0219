import { setTimeout as sleep } from "node:timers/promises";
import { realClock } from "../../../src/adapters/clock.ts";
import { consulCoordination } from "../../../src/adapters/consul/coordination.ts";
import { realRandom } from "../../../src/adapters/random.ts";
import { coordinationContract } from "../contracts/coordination.ts";
import { connectTo, put, realConsulUrl, remove } from "./real.ts";

coordinationContract("real Consul", async () => {
  const connection = connectTo(realConsulUrl());
  const environments = new Set<string>();
  return {
    open(environment) {
      environments.add(environment);
      return consulCoordination({ connection, clock: realClock(), random: realRandom() }, environment);
    },
    async destroySession(id) {
      await put(connection, `session/destroy/${id}`);
    },
    deleteLeaderKey: (environment) => remove(connection, `kv/heal/${environment}/leader`),
    pass: (ms) => sleep(ms),
    nowMs: () => performance.now(),
    async close() {
      for (const environment of environments) await remove(connection, `kv/heal/${environment}`, { recurse: "1" });
      connection.close();
    },
  };
});
