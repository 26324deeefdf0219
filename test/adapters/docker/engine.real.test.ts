import { setTimeout as sleep } from "node:timers/promises";
import { engineContract } from "../contracts/engine.ts";
import { aName, byHand, openRealEngine } from "./real.ts";

engineContract("a real Docker engine", async () => {
  const engine = openRealEngine();
  const docker = byHand();
  return {
    engine,
    image: "heal-demo/web:1",
    missingImage: `heal-demo/${aName("missing")}:1`,
    // A kill through the API counts as a stop by hand, after which Docker restarts nothing: end it from inside.
    async crash(id) {
      const execution = await docker.getContainer(id).exec({ Cmd: ["/bin/busybox", "killall", "httpd"] });
      await execution.start({ Detach: true });
    },
    startAgain: async (id) => void (await docker.getContainer(id).start()),
    pause: async (id) => void (await docker.getContainer(id).pause()),
    unpause: async (id) => void (await docker.getContainer(id).unpause()),
    async startForeign(name) {
      const container = await docker.createContainer({ name, Image: "heal-demo/web:1" });
      await container.start();
      return container.id;
    },
    pass: (ms) => sleep(ms),
    nowMs: () => Date.now(),
    async close() {
      engine.close();
    },
  };
});
