import { coordinationContract } from "../../adapters/contracts/coordination.ts";
import { fakeClock } from "./fake-clock.ts";
import { fakeConsul } from "./fake-coordination.ts";

coordinationContract("the fake that the loop is tested with", async () => {
  const clock = fakeClock();
  const consul = fakeConsul(clock);
  return {
    open: consul.processOf,
    destroySession: async (id) => consul.destroySession(id),
    deleteLeaderKey: async (environment) => consul.deleteKey(environment, "leader"),
    pass: clock.advance,
    nowMs: clock.steadyMs,
    close: async () => undefined,
  };
});
