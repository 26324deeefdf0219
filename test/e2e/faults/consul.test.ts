import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startConsul, startConsulCluster, type ConsulAgent } from "../../../scripts/machine/consul.ts";
import { type EventLog, startedOf } from "../support/event-log.ts";
import { noteFault } from "../support/fault-report.ts";
import { openGround, startOverTwo, type Ground as Bare } from "../support/ground.ts";
import { settles } from "../support/invariants.ts";
import { untilChecks, untilSays, type Peer, type PeerOptions } from "../support/peers.ts";
import { until } from "../support/site.ts";

const say = (): void => undefined;

interface Ground extends Bare {
  readonly daemon: Peer;
}

/** Two healthy instances under a daemon that uses this Consul. */
async function twoHealthy(consul: string, options: PeerOptions = {}): Promise<Ground> {
  const { site, events } = await openGround({ consul });
  return { site, events, daemon: await startOverTwo(site, options, consul) };
}

async function consulOf(config: object = {}): Promise<{ readonly agent: ConsulAgent; readonly data: string }> {
  const data = mkdtempSync(path.join(tmpdir(), "heal-consul-"));
  const agent = await startConsul({
    say,
    name: `fault-${randomUUID().slice(0, 4)}`,
    config: { data_dir: data, ...config },
  });
  onTestFinished(async () => {
    await agent.stop();
    rmSync(data, { recursive: true, force: true });
  });
  return { agent, data };
}

const nothingHappened = (events: EventLog, from: number) => expect(events.since(from)).toEqual([]);

describe("the daemon under a Consul that fails", () => {
  it("touches nothing while the agent is away, says so, and goes on when it is back as it was", async (test) => {
    const { agent } = await consulOf();
    const { site, events, daemon } = await twoHealthy(agent.address);
    const from = events.mark();
    agent.kill("SIGKILL");
    await untilSays(daemon, 3, /^web UNKNOWN .*cannot tell/);
    await agent.restart();
    const backAtMs = Date.now();
    await settles(site, agent.address, "web", 2);
    await untilChecks(daemon, 0);
    const tookMs = Date.now() - backAtMs;
    nothingHappened(events, from);
    noteFault(
      test,
      "Consul agent killed and restarted with its services",
      "status 3 meanwhile; nothing started or stopped; status 0",
      tookMs,
    );
  });

  it("registers everything again, and starts nothing, when the agent comes back with its services lost", async (test) => {
    const { agent, data } = await consulOf();
    const { site, events, daemon } = await twoHealthy(agent.address);
    const from = events.mark();
    agent.kill("SIGKILL");
    for (const folder of ["services", "checks"]) rmSync(path.join(data, folder), { recursive: true, force: true });
    await agent.restart();
    const backAtMs = Date.now();
    await settles(site, agent.address, "web", 2);
    await untilChecks(daemon, 0);
    const tookMs = Date.now() - backAtMs;
    nothingHappened(events, from);
    noteFault(
      test,
      "Consul agent restarted with its services lost",
      "registered again; nothing started or stopped",
      tookMs,
    );
  });

  it("starts nothing when all that Consul ever knew is gone", async (test) => {
    const { agent, data } = await consulOf();
    const { site, events, daemon } = await twoHealthy(agent.address);
    const from = events.mark();
    agent.kill("SIGKILL");
    await untilChecks(daemon, 3);
    rmSync(data, { recursive: true, force: true });
    await agent.restart();
    const backAtMs = Date.now();
    await settles(site, agent.address, "web", 2);
    await untilChecks(daemon, 0);
    const tookMs = Date.now() - backAtMs;
    nothingHappened(events, from);
    noteFault(
      test,
      "Consul emptied: all its data lost, Memory as well",
      "registered again; nothing started or stopped",
      tookMs,
    );
  });

  it("starts nothing while the cluster has no leader, and what is missing once it has one", async (test) => {
    const cluster = await startConsulCluster({ say, name: `fault-${randomUUID().slice(0, 4)}`, servers: 3 });
    onTestFinished(async () => void (await Promise.all(cluster.map((agent) => agent.stop()))));
    const [asked, ...others] = cluster as [ConsulAgent, ...ConsulAgent[]];
    const { site, events, daemon } = await twoHealthy(asked.address);
    const from = events.mark();
    for (const agent of others) agent.kill("SIGKILL");
    await untilSays(daemon, 3, /cannot tell/);
    const [victim] = await site.containers("web");
    await site.docker("POST", `/containers/${victim?.Id}/kill`);
    await until(() => events.since(from).some(({ action }) => action === "die"), "the container to die");
    // Long enough that a daemon which takes its old picture for the present one would have acted.
    await new Promise((passed) => setTimeout(passed, 3_000));
    expect(events.since(from).filter(({ action }) => action === "create" || action === "start")).toEqual([]);
    await Promise.all(others.map((agent) => agent.restart()));
    const backAtMs = Date.now();
    await settles(site, asked.address, "web", 2);
    const tookMs = Date.now() - backAtMs;
    // What was only created when the leader went again is cleared away, and made anew.
    expect(startedOf(events.since(from))).toHaveLength(1);
    await untilChecks(daemon, 0);
    noteFault(
      test,
      "two of three Consul servers killed, a container killed meanwhile",
      "status 3, nothing started without a leader; one start when it was back",
      tookMs,
    );
  });

  it("heals under the next leader when that of the cluster is killed, and touches nothing for it", async (test) => {
    const cluster = await startConsulCluster({ say, name: `fault-${randomUUID().slice(0, 4)}`, servers: 3 });
    onTestFinished(async () => void (await Promise.all(cluster.map((agent) => agent.stop()))));
    const [first] = cluster as [ConsulAgent, ...ConsulAgent[]];
    const leader = (await (await fetch(`${first.address}/v1/status/leader`)).json()) as string;
    const isLeader = ({ bind, ports }: ConsulAgent): boolean => leader === `${bind}:${ports.server}`;
    const asked = cluster.find((agent) => !isLeader(agent)) ?? first;
    const { site, events } = await twoHealthy(asked.address);
    const from = events.mark();
    const killedAtMs = Date.now();
    cluster.find(isLeader)?.kill("SIGKILL");
    const [victim] = await site.containers("web");
    await site.docker("POST", `/containers/${victim?.Id}/kill`);
    await until(() => events.since(from).some(({ action }) => action === "start"), "the container in its place");
    const tookMs = Date.now() - killedAtMs;
    await settles(site, asked.address, "web", 2);
    expect(startedOf(events.since(from))).toHaveLength(1);
    expect(events.since(from).filter(({ action }) => action === "die")).toHaveLength(1);
    noteFault(
      test,
      "leading Consul server of three killed, and a container",
      "one start, under the next leader",
      tookMs,
    );
  });

  it("touches nothing while its token is denied, says why, and goes on with the token given back", async (test) => {
    const manager = randomUUID();
    const token = randomUUID();
    // What is denied here is a token; the anonymous one may do everything, so that the test itself can look.
    const acl = { enabled: true, default_policy: "allow", tokens: { master: manager } };
    const { agent } = await consulOf({ acl });
    const ask = async (method: string, url: string, body?: object): Promise<Response> =>
      fetch(`${agent.address}/v1/acl/${url}`, {
        method,
        headers: { "X-Consul-Token": manager },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const grant = async (): Promise<string> => {
      const answer = await ask("PUT", "token", { SecretID: token, Policies: [{ Name: "global-management" }] });
      expect(answer.status).toBe(200);
      return ((await answer.json()) as { AccessorID: string }).AccessorID;
    };
    const accessor = await tryUntil(grant);
    const { site, events, daemon } = await twoHealthy(agent.address, {
      environmentSettings: { consul: { address: agent.address, token: { env: "HEAL_FAULT_TOKEN" } } },
      variables: { HEAL_FAULT_TOKEN: token },
    });
    const from = events.mark();
    expect((await ask("DELETE", `token/${accessor}`)).status).toBe(200);
    await untilSays(daemon, 3, /ACL|403|denied/i);
    const [victim] = await site.containers("web");
    await site.docker("POST", `/containers/${victim?.Id}/kill`);
    await new Promise((passed) => setTimeout(passed, 3_000));
    expect(events.since(from).filter(({ action }) => action === "create" || action === "start")).toEqual([]);
    await grant();
    const backAtMs = Date.now();
    await settles(site, agent.address, "web", 2);
    await untilChecks(daemon, 0);
    noteFault(
      test,
      "Consul token revoked, a container killed meanwhile",
      "status 3 and why; nothing started; healed once granted again",
      Date.now() - backAtMs,
    );
  });

  it("starts and stops nothing for a hundred reloads of the agent", async (test) => {
    const { agent } = await consulOf();
    const { site, events, daemon } = await twoHealthy(agent.address);
    const from = events.mark();
    const beganAtMs = Date.now();
    for (let time = 0; time < 100; time += 1) {
      const answer = await fetch(`${agent.address}/v1/agent/reload`, { method: "PUT" });
      expect(answer.status).toBe(200);
    }
    const tookMs = Date.now() - beganAtMs;
    await settles(site, agent.address, "web", 2);
    await untilChecks(daemon, 0);
    nothingHappened(events, from);
    noteFault(test, "Consul agent reloaded 100 times", "nothing started or stopped", tookMs);
  });
});

/** The ACL system of a new server takes a moment to be there. */
async function tryUntil<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries > 50) throw error;
      await new Promise((passed) => setTimeout(passed, 200));
    }
  }
}
