import { hostname } from "node:os";
import { realClock } from "../adapters/clock.ts";
import { openCompose } from "../adapters/compose/open-compose.ts";
import type { ConsulConnection, ConsulTls } from "../adapters/consul/connection.ts";
import { connectConsul, defaultLimits } from "../adapters/consul/connection.ts";
import { consulCoordination } from "../adapters/consul/coordination.ts";
import { consulPublisher } from "../adapters/consul/publisher.ts";
import { consulRegistry } from "../adapters/consul/registry.ts";
import { consulRoleTags } from "../adapters/consul/role-tags.ts";
import { openEngine } from "../adapters/docker/open-engine.ts";
import { diskFiles } from "../adapters/files/disk-files.ts";
import { openRedis } from "../adapters/redis/open-redis.ts";
import { realRandom } from "../adapters/random.ts";
import { shareTexts } from "../adapters/shared-texts.ts";
import { openSwarm } from "../adapters/swarm/open-swarm.ts";
import type { Tools } from "../act/hands.ts";
import { ActionRefused } from "../act/hands.ts";
import { checkPolicy } from "../desired/policy.ts";
import type { Clock } from "../ports/clock.ts";
import type { Coordination, LeaderInfo } from "../ports/coordination.ts";
import type { Files } from "../ports/files.ts";
import { FilesError } from "../ports/files.ts";
import type { Publisher } from "../ports/publisher.ts";
import type { Random } from "../ports/random.ts";
import type { Registry } from "../ports/registry.ts";
import type { Settings, TlsSettings } from "../settings/settings.ts";
import { version } from "../version.ts";

/** Every port, opened for one environment. Connections are made when first needed. */
export interface Adapters {
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  readonly tools: Tools;
  readonly registry: Registry;
  readonly coordination: Coordination;
  readonly publisher: Publisher;
  readonly leader: LeaderInfo;
  close(): void;
}

const SECRET_BYTES_MAX = 64 * 1024;

export function openAdapters(settings: Settings, variables: (name: string) => string | null): Adapters {
  const clock = realClock();
  const random = realRandom();
  const files = diskFiles();
  const opened: ConsulConnection[] = [];
  const consul = (url: string, connectionsMax: number): ConsulConnection => {
    const { token, datacenter, tls } = settings.consul;
    const address = { url, token: token?.reveal() ?? null, datacenter, tls: consulTls(tls) };
    const connection = connectConsul(address, { ...defaultLimits, connectionsMax });
    opened.push(connection);
    return connection;
  };
  const main = consul(settings.consul.address, 32);
  const hosts = Object.values(settings.hosts);
  const byAddress = new Map(
    [...new Set(hosts.map(({ consulAgent }) => consulAgent))].map((url) => [url, consul(url, 8)]),
  );
  const agents = Object.fromEntries(hosts.map(({ name, consulAgent }) => [name, byAddress.get(consulAgent) ?? main]));
  const registry = consulRegistry({ connection: main, agents, clock });
  // A lease must not be lost because slow reads have taken all connections.
  const own = consul(settings.consul.address, 8);
  const coordination = consulCoordination({ connection: own, clock, random }, settings.environment);
  const share = shareTexts();
  const engines = Object.fromEntries(
    hosts.map(({ name, docker }) => [name, openEngine(name, docker, { clock, share })]),
  );
  const redis = openRedis();
  const tools: Tools = {
    environment: settings.environment,
    engines,
    hostAddresses: Object.fromEntries(hosts.map(({ name, address }) => [name, address])),
    swarm: openSwarm(Object.values(engines).map(({ connection }) => connection)),
    compose: openCompose({
      clock,
      environment: { PATH: variables("PATH") ?? undefined, HOME: variables("HOME") ?? undefined },
      hosts: Object.fromEntries(hosts.map(({ name, docker }) => [name, docker])),
    }),
    registry,
    clock,
    startsPerHost: settings.startsPerHost,
    secrets: { file: (path) => readSecret(files, path), variable: variables },
    redis: { nodes: redis, tags: consulRoleTags(main) },
    policyBreach: (service) => checkPolicy(service, settings.policy)[0]?.message ?? null,
  };
  return {
    clock,
    random,
    files,
    tools,
    registry,
    coordination,
    publisher: consulPublisher(main, settings.environment),
    leader: { node: hostname(), processId: process.pid, version, address: settings.server.advertise },
    close() {
      for (const engine of Object.values(engines)) engine.close();
      redis.close();
      for (const connection of opened) connection.close();
    },
  };
}

async function readSecret(files: Files, path: string): Promise<string> {
  try {
    const bytes = await files.read(path, { bytesMax: SECRET_BYTES_MAX });
    return new TextDecoder().decode(bytes).replace(/\r?\n$/, "");
  } catch (error) {
    if (!(error instanceof FilesError)) throw error;
    throw new ActionRefused(`the secret file ${path} cannot be read: ${error.message}`, "later", { cause: error });
  }
}

function consulTls(tls: TlsSettings | null): ConsulTls | null {
  if (tls === null) return null;
  const { ca, certificate, key, serverName, verify } = tls;
  return { ca, certificate, key: key?.reveal() ?? null, serverName, verify };
}
