import type { Instance } from "../model/instance.ts";
import type { RedisAddress } from "../model/redis.ts";
import type { Service } from "../model/service.ts";

export interface RedisReach {
  /** Where `heal` reaches the node. */
  readonly address: RedisAddress;
  /** Where the other nodes reach it. */
  readonly peer: RedisAddress;
  readonly aliases: readonly RedisAddress[];
}

const REDIS_PORT = 6379;

/**
 * Where a node is reached. From outside by its published port on its host; the other nodes use that too, unless the
 * host's address is a loopback one, which means something else inside of a container: then all run on this one host and
 * find each other in Docker's network.
 */
export function reachOf(
  service: Service,
  { container, registration }: Instance,
  hostAddress: string | null,
): RedisReach {
  const inside = service.health?.port ?? service.container?.ports[0]?.container ?? null;
  const published = container.ports.find(({ container: port }) => port === inside) ?? container.ports[0];
  const outer =
    hostAddress ?? (registration === null || registration.address === "" ? "127.0.0.1" : registration.address);
  const innerPort = inside ?? published?.container ?? registration?.port ?? REDIS_PORT;
  const inner: RedisAddress | null = container.address === null ? null : { host: container.address, port: innerPort };
  const address: RedisAddress =
    published === undefined
      ? (inner ?? { host: outer, port: innerPort })
      : { host: isAny(published.hostIp) ? outer : published.hostIp, port: published.host };
  const peer = inner !== null && (published === undefined || isLoopback(address.host)) ? inner : address;
  return { address, peer, aliases: [address, peer, ...(inner === null ? [] : [inner])] };
}

/**
 * A node that is reached by its host's name may be called by its address, by Sentinel and by whoever attached it before:
 * where the name led is as good. What leads back to its own host means something else everywhere.
 */
export function withResolved(reach: RedisReach, resolvedTo: string | undefined): RedisReach {
  if (resolvedTo === undefined || isLoopback(resolvedTo)) return reach;
  return { ...reach, aliases: [...reach.aliases, { host: resolvedTo, port: reach.address.port }] };
}

function isAny(hostIp: string): boolean {
  return hostIp === "" || hostIp === "0.0.0.0" || hostIp === "::";
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
