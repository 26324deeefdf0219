import type { RedisRef } from "../model/redis.ts";
import { secret } from "../model/secret.ts";
import type { Service } from "../model/service.ts";
import type { RedisSetting } from "../ports/redis.ts";
import type { Hands } from "./hands.ts";
import { ActionRefused } from "./hands.ts";
import type { RedisAccess } from "./redis-access.ts";
import { endpointOf, rolesOf, toolsOf } from "./redis-access.ts";

/** A short break of a link is then made good without copying all data. */
const BACKLOG_BYTES = 16 * 1024 * 1024;

/**
 * Tells a node the service's settings. They are the same for master and replicas, so that a replica that is promoted
 * needs none: passwords first, then what bounds the loss of writes on the wrong side of a cut network.
 */
export async function configureNode(
  hands: Hands,
  service: Service,
  access: RedisAccess,
  node: RedisRef,
): Promise<string | null> {
  const { nodes } = toolsOf(hands);
  hands.fence();
  const refused = await nodes.configure(endpointOf(access, node), settingsFor(service, access, node));
  const essential = refused.find((text) => text.startsWith("master") || text.startsWith("requirepass"));
  if (essential !== undefined) throw new ActionRefused(`${node.name} does not take ${essential}`, "later");
  return refused.length === 0 ? null : `${node.name} does not take ${refused.join("; ")}`;
}

function settingsFor(service: Service, access: RedisAccess, { peer, address }: RedisRef): readonly RedisSetting[] {
  const announces = peer.host !== address.host || peer.port !== address.port || service.container?.ports.length !== 0;
  return [
    ...passwords(access),
    ...replicasToWrite(service, rolesOf(service).minReplicasToWrite),
    // Lets replicas notice within about a second that a master which writes nothing has fallen silent.
    { name: "repl-ping-replica-period", value: "1" },
    // Replicas are attached one at a time, so that waiting for more of them only keeps the first one waiting.
    { name: "repl-diskless-sync-delay", value: "0" },
    { name: "repl-backlog-size", value: String(BACKLOG_BYTES) },
    ...(announces
      ? [
          { name: "replica-announce-ip", value: peer.host },
          { name: "replica-announce-port", value: String(peer.port) },
        ]
      : []),
  ];
}

/** A master takes writes only while so many replicas follow it. */
export function replicasToWrite(service: Service, count: number): readonly RedisSetting[] {
  const { downAfterMs } = rolesOf(service);
  return [
    // A second and a bit: acknowledgements come once a second.
    { name: "min-replicas-max-lag", value: String(Math.max(2, Math.ceil(downAfterMs / 1_000) + 1)) },
    { name: "min-replicas-to-write", value: String(count) },
  ];
}

function passwords({ login, replica }: RedisAccess): readonly RedisSetting[] {
  if (replica === null) return [{ name: "masterauth", value: secret("") }];
  return [
    ...(login !== null && login.username === null ? [{ name: "requirepass", value: login.password }] : []),
    ...(replica.username === null ? [] : [{ name: "masteruser", value: replica.username }]),
    { name: "masterauth", value: replica.password },
  ];
}
