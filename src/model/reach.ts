import type { Container } from "./instance.ts";
import type { Service } from "./service.ts";

/** Where clients reach an instance. */
export interface Reach {
  /** null: the address of its host, whatever that is. */
  readonly address: string | null;
  /** 0 where neither the container nor its service names a port. */
  readonly port: number;
}

/**
 * The published host port of the port that the service is checked at (else of its first one); without one, that port
 * on the container's own address, or on its host's when it has none of its own (host network).
 */
export function reachOf(service: Service, container: Container): Reach {
  const wanted = service.health?.port ?? service.container?.ports[0]?.container ?? null;
  const published = container.ports.find((port) => wanted === null || port.container === wanted);
  if (published === undefined) return { address: container.address, port: wanted ?? 0 };
  return { address: isAnyAddress(published.hostIp) ? null : published.hostIp, port: published.host };
}

/** Whether a port is published on every address of its host. */
export function isAnyAddress(hostIp: string): boolean {
  return hostIp === "" || hostIp === "0.0.0.0" || hostIp === "::";
}
