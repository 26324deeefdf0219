import { setTimeout as sleep } from "node:timers/promises";
import { openSwarm } from "../../../src/adapters/swarm/open-swarm.ts";
import { swarmContract } from "../contracts/swarm.ts";
import { byHand, openRealEngine } from "../docker/real.ts";

swarmContract("a real Docker Swarm", async () => {
  const docker = byHand();
  const engine = openRealEngine();
  if (!(await engine.ping()).swarmManager)
    throw new Error("the engine is no Swarm manager: the global set-up makes it one");
  return {
    swarm: openSwarm([engine.connection]),
    image: "heal-demo/web:1",
    async edit(name) {
      const service = docker.getService(name);
      const { Spec, Version } = (await service.inspect()) as { Spec: object; Version: { Index: number } };
      await service.update({ ...Spec, UpdateConfig: { Parallelism: 2 }, version: Version.Index });
    },
    remove: async (name) => void (await docker.getService(name).remove()),
    async startGlobal(name) {
      const TaskTemplate = { ContainerSpec: { Image: "heal-demo/web:1" } };
      await docker.createService({ Name: name, TaskTemplate, Mode: { Global: {} } });
    },
    pass: (ms) => sleep(ms),
    async close() {
      engine.close();
    },
  };
});
