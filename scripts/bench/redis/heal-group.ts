/** The same containers under the care of a real `heal` daemon. */
import { whole } from "../../../test/e2e/support/redis-faults.ts";
import { openRedisHeal } from "../../../test/e2e/support/redis-heal.ts";
import type { Group, GroupMaster, Settings } from "./group.ts";
import { addressIn } from "./group.ts";

export async function openHealGroup(settings: Settings): Promise<Group> {
  const heal = await openRedisHeal({
    count: settings.count,
    command: settings.command,
    redis: { downAfter: `${settings.downAfterMs}ms`, minReplicasToWrite: 1 },
  });
  const locate = async (): Promise<GroupMaster | null> => {
    const master = await heal.master();
    return master === null
      ? null
      : { host: master.address, port: master.port, container: master.container, inside: "" };
  };
  return {
    name: "heal",
    locate,
    async ready() {
      await whole(heal, settings.count);
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      const master = await whole(heal, settings.count);
      const { NetworkSettings } = await heal.docker.getContainer(master.container).inspect();
      const at = { host: master.address, port: master.port };
      return { ...at, container: master.container, inside: addressIn(NetworkSettings) };
    },
    async switchover() {
      await heal.switchover(null);
    },
    told: () =>
      heal.results.map((result) => {
        const more = result.kind === "done" ? result.note : result.kind === "failed" ? result.message : result.reason;
        return `${result.action.kind} ${result.kind}: ${more ?? ""}`;
      }),
    end: () => heal.end(),
  };
}
