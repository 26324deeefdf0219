import type { RedisRef } from "../model/redis.ts";
import { secret } from "../model/secret.ts";
import type { RedisRoles, Service } from "../model/service.ts";
import type { RedisEndpoint, RedisLogin, RedisTlsTexts } from "../ports/redis.ts";
import { resolveValue } from "./environment.ts";
import type { Hands, RedisTools, Tools } from "./hands.ts";
import { ActionRefused } from "./hands.ts";

/** How the nodes of one service are entered, with every reference resolved. */
export interface RedisAccess {
  readonly login: RedisLogin | null;
  /** Whom the replicas log in as at the master. */
  readonly replica: RedisLogin | null;
  readonly tls: RedisTlsTexts | null;
}

/** Resolves passwords and certificates anew each time: they may be changed while `heal` runs. */
export async function accessOf(
  tools: Pick<Tools, "registry" | "secrets">,
  { redis }: Pick<Service, "redis">,
): Promise<RedisAccess> {
  const auth = redis?.auth ?? null;
  const tls = redis?.tls ?? null;
  const login =
    auth === null
      ? null
      : { username: auth.username, password: secret(await resolveValue(tools, "redis.auth", auth.password)) };
  const replica =
    auth?.replica == null
      ? login
      : {
          username: auth.replica.username,
          password: secret(await resolveValue(tools, "redis.auth.replica", auth.replica.password)),
        };
  return { login, replica, tls: tls === null ? null : await tlsTexts(tools, tls) };
}

async function tlsTexts(
  { secrets }: Pick<Tools, "secrets">,
  { ca, certificate, key, serverName }: NonNullable<RedisRoles["tls"]>,
): Promise<RedisTlsTexts> {
  const read = async (path: string | null): Promise<string | null> => (path === null ? null : secrets.file(path));
  const keyText = await read(key);
  return {
    ca: await read(ca),
    certificate: await read(certificate),
    key: keyText === null ? null : secret(keyText),
    serverName,
  };
}

export function endpointOf({ login, tls }: RedisAccess, { address }: Pick<RedisRef, "address">): RedisEndpoint {
  return { address, login, tls };
}

export function toolsOf({ redis }: Pick<Hands, "redis">): RedisTools {
  if (redis === undefined) throw new ActionRefused("this heal was built without Redis", "never");
  return redis;
}

export function rolesOf({ name, redis }: Service): RedisRoles {
  if (redis === null) throw new ActionRefused(`${name} has no Redis roles`, "never");
  return redis;
}
