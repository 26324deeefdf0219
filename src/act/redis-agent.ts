import type { RedisRef } from "../model/redis.ts";
import type { Service } from "../model/service.ts";
import { EngineError } from "../ports/engine.ts";
import { RegistryError } from "../ports/registry.ts";
import type { Hands } from "./hands.ts";
import { ActionRefused, engineOf } from "./hands.ts";
import { registrationOf } from "./registration.ts";

/** Of each failover from a dead host this is lost, and an agent that lives answers in a tenth of it. */
const WITHIN_MS = 200;

/** No agent takes the old master for one any more. `ended`: it lives no more. */
export async function forgetMaster(
  hands: Hands,
  service: Service,
  { from, others }: { readonly from: RedisRef; readonly others: readonly RedisRef[] },
  ended: boolean,
): Promise<void> {
  if (from.registration !== null) return forgetRole(hands, service, from, ended);
  // One that is not listed itself was so under its slot's name, which is another node's by now.
  await Promise.all(others.map((node) => forgetRole(hands, service, node, false)));
}

/**
 * Makes the owning agent forget a role tag. With tag override an agent copies the catalog's tags into its own state
 * about once a minute, and writes them back with the next change of one of its checks: an old master whose check turns
 * critical would so get its tag again, beside the new one's. So it is told anew of what lives, without a role, and no
 * more of what does not. An agent that does not answer is not waited for: it writes nothing either.
 */
export async function forgetRole(hands: Hands, service: Service, node: RedisRef, ended: boolean): Promise<void> {
  const { registration } = node;
  if (registration === null) return;
  const forget = async (): Promise<void> => {
    const container = ended ? null : await engineOf(hands, node.host).inspect(node.containerId);
    hands.fence();
    if (container?.state === "running") {
      await hands.registry.register(node.host, registrationOf(hands, service, container, "passing"));
    } else {
      const slash = registration.indexOf("/");
      await hands.registry.deregister(registration.slice(0, slash), registration.slice(slash + 1));
    }
  };
  const done = forget().catch((error: unknown) => {
    const isOutside = [RegistryError, EngineError, ActionRefused].some((kind) => error instanceof kind);
    if (!isOutside) throw error;
  });
  await Promise.race([done, hands.clock.sleep(WITHIN_MS)]);
}
