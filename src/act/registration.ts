import type { DeregisterInstance, RegisterInstance } from "../model/action.ts";
import type { CheckStatus, Container } from "../model/instance.ts";
import { META, registrationId } from "../model/labels.ts";
import { reachOf } from "../model/reach.ts";
import type { Service } from "../model/service.ts";
import type { NewRegistration } from "../ports/registry.ts";
import type { Hands } from "./hands.ts";
import { ActionRefused, engineOf } from "./hands.ts";

/** Registers a container that runs already, as it is now. */
export async function registerInstance(
  hands: Hands,
  service: Service,
  action: RegisterInstance,
): Promise<string | null> {
  const container = await engineOf(hands, action.host).inspect(action.containerId);
  if (container === null || container.state !== "running") {
    throw new ActionRefused(`${action.name} does not run any more`, "later");
  }
  const initialStatus = action.unwell === true ? "critical" : statusUntilChecked(hands, service, container);
  const registration = registrationOf(hands, service, container, initialStatus);
  hands.fence();
  await hands.registry.register(action.host, registration);
  if (action.endsMaintenance === true) await endMaintenance(hands, action.host, registration.id);
  return null;
}

/** Consul keeps a maintenance over a registration anew. */
export async function endMaintenance(hands: Hands, host: string, registrationId: string): Promise<void> {
  const node = await hands.registry.nodeOf(host);
  hands.fence();
  await hands.registry.setMaintenance(node, registrationId, null);
}

/**
 * One that ran before the agent forgot it is not called dead until its check has run again; one that has just been
 * started is not called ready.
 */
function statusUntilChecked({ clock }: Hands, { health }: Service, { startedAtMs }: Container): CheckStatus {
  const runsForMs = clock.steadyMs() - (startedAtMs ?? clock.steadyMs());
  return runsForMs < (health?.startGraceMs ?? 0) ? "critical" : "passing";
}

export async function deregisterInstance(hands: Hands, action: DeregisterInstance): Promise<string | null> {
  hands.fence();
  await hands.registry.deregister(action.node, action.registrationId);
  return null;
}

/** What the owning agent is told of a container. Throws `ActionRefused` for a service that is not to be registered. */
export function registrationOf(
  hands: Hands,
  service: Service,
  container: Container,
  initialStatus: CheckStatus,
): NewRegistration {
  const template = service.consul;
  if (template === null) throw new ActionRefused(`${service.name} is not registered in Consul`, "never");
  const { address, port } = reachOf(service, container);
  return {
    id:
      container.slot === null
        ? `heal.${hands.environment}.${container.name}`
        : registrationId(hands.environment, service.name, container.slot),
    name: template.name,
    address: address ?? hands.hostAddresses[container.host] ?? "",
    port,
    tags: template.tags,
    meta: {
      ...template.meta,
      [META.environment]: hands.environment,
      [META.service]: service.name,
      ...(container.slot === null ? {} : { [META.slot]: String(container.slot) }),
      [META.container]: container.name,
    },
    tagOverride: template.tagOverride,
    health: service.health,
    initialStatus: service.health === null ? "passing" : initialStatus,
  };
}
