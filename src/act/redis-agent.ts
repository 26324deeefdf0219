import type { ForgetRole } from "../model/action.ts";
import type { Container } from "../model/instance.ts";
import type { RedisRef } from "../model/redis.ts";
import type { Service } from "../model/service.ts";
import { EngineError } from "../ports/engine.ts";
import { RegistryError } from "../ports/registry.ts";
import type { Hands } from "./hands.ts";
import { ActionRefused, engineOf } from "./hands.ts";
import { registrationOf } from "./registration.ts";

/** Of each failover from a dead host this is lost, and an agent that lives answers in a tenth of it. */
const WITHIN_MS = 200;
/** An engine that has not said by then what runs there is not waited for. */
const INSPECT_WITHIN_MS = 80;

export interface RedisOutcome {
  /** For the history. */
  readonly note: string | null;
  /** Containers whose agents could not be told that they have no role any more. */
  readonly untold?: readonly string[];
}

/** No agent takes the old master for one any more; false when that could not be made sure. `ended`: it lives no more. */
export async function forgetMaster(
  hands: Hands,
  service: Service,
  { from, others }: { readonly from: RedisRef; readonly others: readonly RedisRef[] },
  ended: boolean,
): Promise<boolean> {
  if (from.registration !== null) return forgetRole(hands, service, from, ended);
  // One that is not listed itself was so under its slot's name, which is another node's by now.
  await Promise.all(others.map((node) => forgetRole(hands, service, node, false)));
  return false;
}

/**
 * Makes the owning agent forget a role tag. With tag override an agent copies the catalog's tags into its own state
 * about once a minute, and writes them back with the next change of one of its checks: an old master whose check turns
 * critical would so get its tag again, beside the new one's. So it is told anew of what lives, without a role, and no
 * more of what does not; nor of what an engine that is silent cannot tell of: that is listed again once the engine
 * answers. An agent that does not answer is not waited for; false then, and it is told later.
 */
export async function forgetRole(hands: Hands, service: Service, node: RedisRef, ended: boolean): Promise<boolean> {
  const { registration } = node;
  if (registration === null) return true;
  const forget = async (): Promise<void> => {
    const container = ended ? null : await containerOf(hands, node);
    hands.fence();
    if (container?.state === "running") {
      await hands.registry.register(node.host, registrationOf(hands, service, container, "passing"));
    } else {
      const slash = registration.indexOf("/");
      await hands.registry.deregister(registration.slice(0, slash), registration.slice(slash + 1));
    }
  };
  const done = forget().then(
    () => true,
    (error: unknown) => {
      const isOutside = [RegistryError, EngineError, ActionRefused].some((kind) => error instanceof kind);
      if (!isOutside) throw error;
      return false;
    },
  );
  return Promise.race([done, hands.clock.sleep(WITHIN_MS).then(() => false)]);
}

/** null also where that cannot be told in time. */
async function containerOf(hands: Hands, { host, containerId }: RedisRef): Promise<Container | null> {
  const found = engineOf(hands, host)
    .inspect(containerId)
    .catch((error: unknown) => {
      if (error instanceof EngineError) return null;
      throw error;
    });
  return Promise.race([found, hands.clock.sleep(INSPECT_WITHIN_MS).then(() => null)]);
}

/** The same for one that could not be told in time, now that there is no hurry. What has ended is cleared away by others. */
export async function tellAgent(hands: Hands, service: Service, { node }: ForgetRole): Promise<string | null> {
  const container = await engineOf(hands, node.host).inspect(node.containerId);
  if (container?.state === "paused") throw new ActionRefused(`${node.name} is paused`, "later");
  if (container?.state !== "running") return "it has ended";
  hands.fence();
  await hands.registry.register(node.host, registrationOf(hands, service, container, "passing"));
  return null;
}
