import { realClock } from "../../../src/adapters/clock.ts";
import { consulRegistry } from "../../../src/adapters/consul/registry.ts";
import { registryContract } from "../contracts/registry.ts";
import { connectTo, put, realConsulUrl, remove } from "./real.ts";

registryContract("real Consul", async () => {
  const connection = connectTo(realConsulUrl());
  return {
    registry: consulRegistry({ connection, agents: { h1: connection }, clock: realClock() }),
    host: "h1",
    async setStatus(registrationId, status, output) {
      const verb = { passing: "pass", warning: "warn", critical: "fail" }[status];
      await put(connection, `agent/check/${verb}/service:${registrationId}`, { note: output });
    },
    async writeKey(key, value) {
      await put(connection, `kv/${key}`, {}, value);
    },
    deleteKey: (key) => remove(connection, `kv/${key}`),
    async close() {
      connection.close();
    },
  };
});
