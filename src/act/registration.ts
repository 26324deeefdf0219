import type { DeregisterInstance, RegisterInstance } from "../model/action.ts";
import type { CheckStatus, Container } from "../model/instance.ts";
import { META, registrationId } from "../model/labels.ts";
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
  // It ran before the agent forgot it: its check decides soon, and until then it is not called dead.
  const registration = registrationOf(hands, service, container, "passing");
  hands.fence();
  await hands.registry.register(action.host, registration);
  return null;
}

export async function deregisterInstance(hands: Hands, action: DeregisterInstance): Promise<string | null> {
  hands.fence();
  await hands.registry.deregister(action.node, action.registrationId);
  return null;
}

/** What the owning agent is told of a container. Throws `ActionRefused` when its address cannot be told. */
export function registrationOf(
  hands: Hands,
  service: Service,
  container: Container,
  initialStatus: CheckStatus,
): NewRegistration {
  const template = service.consul;
  if (template === null) throw new ActionRefused(`${service.name} is not registered in Consul`, "never");
  const { address, port } = reachedAt(hands, service, container);
  return {
    id:
      container.slot === null
        ? `heal.${hands.environment}.${container.name}`
        : registrationId(hands.environment, service.name, container.slot),
    name: template.name,
    address,
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

/**
 * Where clients reach the instance: its published host port if it has one, else its port on the host itself (host
 * network) or its own address in Docker's network.
 */
function reachedAt(hands: Hands, service: Service, container: Container): { address: string; port: number } {
  const wanted = service.health?.port ?? service.container?.ports[0]?.container ?? null;
  const published = container.ports.find((port) => port.container === wanted) ?? container.ports[0];
  const hostAddress = hands.hostAddresses[container.host] ?? null;
  if (published !== undefined && (wanted === null || published.container === wanted)) {
    const bound = published.hostIp !== "" && published.hostIp !== "0.0.0.0" && published.hostIp !== "::";
    return { address: bound ? published.hostIp : (hostAddress ?? ""), port: published.host };
  }
  if (container.address === null) return { address: hostAddress ?? "", port: wanted ?? 0 };
  return { address: container.address, port: wanted ?? 0 };
}
