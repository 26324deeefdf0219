/**
 * What Consul's agents do to role tags: one that is restarted, one that a registrar tells everything anew, and one that
 * cannot be reached while the master changes. A cluster of its own, with a server and the agent of the nodes' host.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startConsul, type ConsulAgent } from "../../scripts/machine/consul.ts";
import { newMaster, signal, whole } from "./support/redis-faults.ts";
import type { RedisHeal, TaggedRegistration } from "./support/redis-heal.ts";
import { openRedisHeal, until } from "./support/redis-heal.ts";

let server: ConsulAgent;
let agent: ConsulAgent;
let heal: RedisHeal | null = null;
const say = (): void => undefined;

beforeAll(async () => {
  server = await startConsul({ say, name: "server" });
  const join = [`127.0.0.1:${server.ports.serf_lan}`];
  agent = await startConsul({ say, name: "host", servers: 0, retryJoin: join });
});
afterAll(async () => {
  await agent?.stop();
  await server?.stop();
});
afterEach(async () => {
  agent.kill("SIGCONT");
  await heal?.end();
  heal = null;
});

async function group(twoMastersMaxMs = 0): Promise<RedisHeal> {
  const cluster = { consul: server.address, agent: agent.address };
  heal = await openRedisHeal({ cluster, twoMastersMaxMs });
  return heal;
}

/** Tells the agent everything anew, as a registrar does that was restarted: with what it knows of roles, if anything. */
async function registerAnew(
  of: RedisHeal,
  all: readonly TaggedRegistration[],
  tags: readonly string[] = [],
): Promise<void> {
  for (const { id, address, port, container } of all) {
    const body = {
      ID: id,
      Name: of.service,
      Address: address,
      Port: port,
      Tags: tags,
      EnableTagOverride: true,
      Meta: { "heal-environment": of.environment, "heal-service": of.service, "heal-container": container },
      Check: { TCP: `${address}:${port}`, Interval: "1s", Status: "passing" },
    };
    await fetch(`${agent.address}/v1/agent/service/register`, { method: "PUT", body: JSON.stringify(body) });
  }
}

test("an agent that is restarted during the failover does not bring the old master's tag back", async () => {
  const of = await group();
  const old = await whole(of);
  await signal(of, old.container, "SIGKILL");
  agent.kill("SIGKILL");
  await agent.restart();
  const master = await newMaster(of, old, 60_000);
  await whole(of);
  // Anti-entropy has run by then, and checks have changed.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  expect((await of.master())?.container).toBe(master.container);
}, 150_000);

test("an agent that is restarted after the failover does not bring the old master's tag back", async () => {
  const of = await group();
  const old = await whole(of);
  await signal(of, old.container, "SIGKILL");
  const master = await newMaster(of, old);
  agent.kill("SIGKILL");
  await agent.restart();
  await whole(of);
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  expect((await of.master())?.container).toBe(master.container);
}, 150_000);

test("a registrar that tells the agent everything anew, during and after a failover, brings no tag back", async () => {
  const of = await group();
  const old = await whole(of);
  const before = await of.registrations();
  const others = before.filter(({ id }) => id !== old.id);
  await signal(of, old.container, "SIGKILL");
  const failover = newMaster(of, old);
  for (let round = 0; round < 10; round += 1) await registerAnew(of, others);
  const master = await failover;
  // Also the one that has died: a registrar may not have heard of it.
  await registerAnew(of, before);
  const now = await whole(of);
  expect(now.container).toBe(master.container);
}, 150_000);

/** As long as it may take heal to see a tag that somebody else has written, and to take it off. */
const CORRECTED_WITHIN_MS = 1_000;

test("an agent that could not be reached, and writes back the tag that it had copied, is corrected at once", async () => {
  const of = await group(CORRECTED_WITHIN_MS);
  const old = await whole(of);
  // The state of an agent about a minute after the catalog's tags were set: it has copied them.
  await registerAnew(of, [old], ["master"]);
  await until(
    "the agent has the tag",
    async () => {
      const answer = await fetch(`${agent.address}/v1/agent/service/${old.id}`);
      return ((await answer.json()) as { readonly Tags: readonly string[] }).Tags;
    },
    (tags) => tags.includes("master"),
  );
  await whole(of);
  agent.kill("SIGSTOP");
  await signal(of, old.container, "SIGKILL");
  const master = await newMaster(of, old, 60_000);
  agent.kill("SIGCONT");
  await new Promise((resolve) => setTimeout(resolve, 8_000));
  await whole(of);
  expect((await of.master())?.container).toBe(master.container);
}, 150_000);
