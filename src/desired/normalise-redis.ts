import { posix } from "node:path";
import { parseDuration } from "../model/duration.ts";
import type { EnvironmentValue, RedisRoles } from "../model/service.ts";
import { parseSize } from "../model/size.ts";
import { serviceDefaults as defaults } from "./defaults.ts";
import type { RedisFile } from "./redis-schema.ts";

/** Fills in what a validated `redis` section leaves out. */
export function normaliseRedis(file: RedisFile, count: number): RedisRoles {
  const { auth, tls, sentinel } = file;
  return {
    downAfterMs: parseDuration(file.downAfter ?? defaults.downAfter) ?? Number.NaN,
    masterTag: file.masterTag ?? defaults.masterTag,
    replicaTag: file.replicaTag ?? defaults.replicaTag,
    minReplicasToWrite: file.minReplicasToWrite ?? (count >= 3 ? 1 : 0),
    maxDataLossBytes: file.maxDataLoss === undefined ? null : (parseSize(file.maxDataLoss) ?? Number.NaN),
    authority: file.authority ?? defaults.authority,
    ...(auth === undefined ? {} : { auth: normaliseAuth(auth) }),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ca: tls.ca ?? null,
            certificate: tls.certificate ?? null,
            key: tls.key ?? null,
            serverName: tls.serverName ?? null,
          },
        }),
    ...(sentinel === undefined ? {} : { sentinel }),
  };
}

/** The same with every path made absolute. */
export function locatedRedis(roles: RedisRoles, baseDirectory: string): RedisRoles {
  const absolute = (path: string | null): string | null => (path === null ? null : posix.resolve(baseDirectory, path));
  const found = (value: EnvironmentValue): EnvironmentValue =>
    value.kind === "file" ? { kind: "file", path: posix.resolve(baseDirectory, value.path) } : value;
  const { auth, tls } = roles;
  return {
    ...roles,
    ...(auth == null
      ? {}
      : {
          auth: {
            ...auth,
            password: found(auth.password),
            replica: auth.replica === null ? null : { ...auth.replica, password: found(auth.replica.password) },
          },
        }),
    ...(tls == null
      ? {}
      : { tls: { ...tls, ca: absolute(tls.ca), certificate: absolute(tls.certificate), key: absolute(tls.key) } }),
  };
}

type AuthFile = NonNullable<RedisFile["auth"]>;

function normaliseAuth({ username, password, replica }: AuthFile): NonNullable<RedisRoles["auth"]> {
  return {
    username: username ?? null,
    password: referenceOf(password),
    replica: replica === undefined ? null : { username: replica.username, password: referenceOf(replica.password) },
  };
}

function referenceOf(value: AuthFile["password"]): EnvironmentValue {
  if (value.consulKey !== undefined) return { kind: "consul-key", key: value.consulKey };
  if (value.file !== undefined) return { kind: "file", path: value.file };
  return { kind: "variable", name: value.env ?? "" };
}
