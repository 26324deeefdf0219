/** Consul to work with: single servers, clusters, and one agent that all tests of a run share. */
import { randomUUID } from "node:crypto";
import {
  handle,
  isRunning,
  launch,
  removeConsul,
  untilReady,
  type ConsulAgent,
  type ConsulOptions,
} from "./consul-agent.ts";
import type { Say } from "./processes.ts";
import { hold, withLock } from "./state.ts";

export type { ConsulAgent, ConsulOptions };

const sharedPart = "consul-shared";

/** Starts one agent and waits until its cluster has a leader that knows it. A server elects itself in about two seconds. */
export async function startConsul(options: ConsulOptions): Promise<ConsulAgent> {
  const agent = await launchNew(options);
  try {
    await untilReady(agent.part);
  } catch (error) {
    await agent.stop();
    throw error;
  }
  return agent;
}

/** Starts a cluster of servers together, named `name-1`, `name-2`, …; ready when each of them sees the same leader. */
export async function startConsulCluster(
  options: ConsulOptions & { readonly servers: number },
): Promise<ConsulAgent[]> {
  const first = await launchNew({ ...options, name: `${options.name}-1` });
  const join = { retryJoin: [`${first.bind}:${first.ports.serf_lan}`] };
  const others = await Promise.all(
    Array.from({ length: options.servers - 1 }, (_, index) =>
      launchNew({ ...options, ...join, name: `${options.name}-${index + 2}` }),
    ),
  );
  const agents = [first, ...others];
  try {
    await Promise.all(agents.map((agent) => untilReady(agent.part)));
  } catch (error) {
    await Promise.all(agents.map((agent) => agent.stop()));
    throw error;
  }
  return agents;
}

/**
 * One agent shared by all that ask, in this process or in others: a single server, started by the first and ended by
 * the last. With `keep` it stays up after this process has ended, until taken down.
 */
export async function ensureConsul({ say, keep = false }: { say: Say; keep?: boolean }): Promise<ConsulAgent> {
  return withLock(sharedPart, async () => {
    if (isRunning(sharedPart)) return handle(sharedPart, hold(sharedPart, keep));
    // Many test files long-poll this one agent from one address, more than the 200 connections Consul allows.
    const config = { limits: { http_max_conns_per_client: 4_000 } };
    const agent = await launch(sharedPart, { say, name: "shared", config, keep });
    await untilReady(sharedPart).catch(async (error: unknown) => {
      await removeConsul(sharedPart);
      throw error;
    });
    say(`started Consul at ${agent.address}`);
    return agent;
  });
}

/** Launches an agent of its own: no other run has a part of this name. */
async function launchNew(options: ConsulOptions): Promise<ConsulAgent & { readonly part: string }> {
  const part = `consul-${options.name}-${randomUUID().slice(0, 8)}`;
  return { part, ...(await withLock(part, () => launch(part, options))) };
}
