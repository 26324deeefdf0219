import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { startConsul } from "../../scripts/machine/consul.ts";
import { realClock } from "../../src/adapters/clock.ts";
import { consulCoordination } from "../../src/adapters/consul/coordination.ts";
import { realRandom } from "../../src/adapters/random.ts";
import { startLeadership, type Leadership } from "../../src/loop/leadership.ts";
import { defaultTerms } from "../../src/loop/lease.ts";
import { anEnvironment, connectTo, put, realConsulUrl, remove } from "../adapters/consul/real.ts";

interface Line {
  readonly atMs: number;
  readonly standing?: string;
  readonly acts?: number;
  readonly lease?: string;
}

interface Candidate {
  readonly process: ChildProcess;
  readonly lines: Line[];
  standing(): string | undefined;
}

const quick = { timeout: 15_000, interval: 10 } as const;
const clean = connectTo(process.env["HEAL_TEST_CONSUL"] ?? "http://127.0.0.1:1");
const environments: string[] = [];

afterAll(async () => {
  for (const environment of environments) await remove(clean, `kv/heal/${environment}`, { recurse: "1" });
  clean.close();
});

function aPlace(): string {
  const environment = anEnvironment();
  environments.push(environment);
  return environment;
}

function candidate(environment: string, name: string, url = realConsulUrl()): Candidate {
  const script = path.join(import.meta.dirname, "support/candidate.ts");
  const child = spawn(process.execPath, ["--import", "tsx", script, url, environment, name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });
  const lines: Line[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(JSON.parse(line) as Line));
  return { process: child, lines, standing: () => lines.findLast((line) => line.standing !== undefined)?.standing };
}

/** A leadership in this process. */
function ours(environment: string, url = realConsulUrl()): Leadership {
  const connection = connectTo(url);
  const [clock, random] = [realClock(), realRandom()];
  const coordination = consulCoordination({ connection, clock, random }, environment);
  const holder = { node: "ours", processId: process.pid, version: "0", address: null };
  const leadership = startLeadership({ coordination, clock, random }, { holder, terms: defaultTerms });
  onTestFinished(async () => {
    await leadership.stop();
    connection.close();
  });
  return leadership;
}

async function msUntil(condition: () => boolean, what: string): Promise<number> {
  const startedAt = performance.now();
  while (!condition()) {
    if (performance.now() - startedAt > 20_000) throw new Error(`waited in vain for ${what}`);
    await sleep(2);
  }
  return performance.now() - startedAt;
}

describe("leadership on a real Consul", () => {
  it("passes within four seconds when the leader is killed with -9", async () => {
    const environment = aPlace();
    const took: number[] = [];
    for (let time = 0; time < 3; time += 1) {
      const other = candidate(environment, `victim-${time}`);
      await expect.poll(other.standing, quick).toBe("leader");
      const successor = ours(environment);
      await expect.poll(() => successor.standing().kind, quick).toBe("follower");
      // Anywhere between two heartbeats.
      await sleep(170 * time);
      other.process.kill("SIGKILL");
      took.push(await msUntil(() => successor.current().mayAct(), "the takeover"));
      await successor.stop();
    }
    console.error(`takeover after kill -9, ms: ${took.map(Math.round).join(", ")}`);
    expect(Math.max(...took)).toBeLessThan(4_000);
    expect(Math.min(...took)).toBeGreaterThan(defaultTerms.lockDelayMs);
  });

  it("passes at once when the leader is stopped politely", async () => {
    const environment = aPlace();
    const other = candidate(environment, "polite");
    await expect.poll(other.standing, quick).toBe("leader");
    const successor = ours(environment);
    await expect.poll(() => successor.standing().kind, quick).toBe("follower");
    other.process.kill("SIGTERM");
    const tookMs = await msUntil(() => successor.current().mayAct(), "the hand-over");
    console.error(`hand-over after SIGTERM, ms: ${Math.round(tookMs)}`);
    expect(tookMs).toBeLessThan(500);
  });

  it("is never acted on by a process that was stopped beyond its time and continued", async () => {
    const environment = aPlace();
    const paused = candidate(environment, "paused");
    await expect.poll(paused.standing, quick).toBe("leader");
    const other = candidate(environment, "other");
    await expect.poll(other.standing, quick).toBe("follower");
    await sleep(300);
    paused.process.kill("SIGSTOP");
    await expect.poll(other.standing, quick).toBe("leader");
    await sleep(500);
    paused.process.kill("SIGCONT");
    await expect.poll(paused.standing, quick).toBe("follower");
    await sleep(500);

    const acts = (one: Candidate) => one.lines.filter((line) => line.acts !== undefined);
    const lastOfPaused = acts(paused).at(-1)!;
    const firstOfOther = acts(other)[0]!;
    console.error(`the stopped one last acted ${firstOfOther.atMs - lastOfPaused.atMs} ms before the other began`);
    expect(firstOfOther.atMs).toBeGreaterThan(lastOfPaused.atMs);
    expect(new Set(acts(paused).map((line) => line.lease)).size).toBe(1);
    expect(firstOfOther.lease).not.toBe(lastOfPaused.lease);
  });

  it("suspends a process that was stopped for less than the others need, and gives it a new fence", async () => {
    const environment = aPlace();
    const paused = candidate(environment, "paused");
    await expect.poll(paused.standing, quick).toBe("leader");
    paused.process.kill("SIGSTOP");
    // Longer than the lease, and shorter than the check's TTL although the last heartbeat may be 500 ms old.
    await sleep(1_280);
    paused.process.kill("SIGCONT");
    await expect.poll(() => paused.lines.some((line) => line.acts === 1), quick).toBe(true);
    const standings = paused.lines.flatMap((line) => line.standing ?? []);
    expect(standings.slice(-3)).toEqual(["leader", "suspended", "leader"]);
    const firstOfSecond = paused.lines.findIndex((line) => line.acts === 1);
    expect(paused.lines.slice(firstOfSecond).some((line) => line.acts === 0)).toBe(false);
  });

  it("moves on when an operator destroys the session, after the lock-delay", async () => {
    const environment = aPlace();
    const leader = ours(environment);
    await expect.poll(() => leader.standing().kind, quick).toBe("leader");
    const fence = leader.current();
    const destroyedAt = performance.now();
    await put(clean, `session/destroy/${fence.lease!.sessionId}`);
    await expect.poll(() => fence.mayAct(), quick).toBe(false);
    expect(performance.now() - destroyedAt).toBeLessThan(defaultTerms.lockDelayMs);
    await expect.poll(() => leader.current().mayAct(), quick).toBe(true);
    expect(performance.now() - destroyedAt).toBeGreaterThan(defaultTerms.lockDelayMs - 50);
    expect(leader.current().lease!.sessionId).not.toBe(fence.lease!.sessionId);
  });

  it("survives a Consul that is killed, hangs, and comes back", async () => {
    const agent = await startConsul({ say: () => undefined, name: "restarted" });
    onTestFinished(() => agent.stop());
    const leader = ours("live", agent.address);
    await expect.poll(() => leader.standing().kind, quick).toBe("leader");

    const first = leader.current();
    agent.kill("SIGKILL");
    await expect.poll(() => first.mayAct(), quick).toBe(false);
    expect(leader.standing().kind).toBe("suspended");
    await agent.restart();
    await expect.poll(() => leader.current().mayAct(), quick).toBe(true);
    expect(first.mayAct()).toBe(false);

    const second = leader.current();
    agent.kill("SIGSTOP");
    await expect.poll(() => second.mayAct(), quick).toBe(false);
    agent.kill("SIGCONT");
    await expect.poll(() => leader.current().mayAct(), quick).toBe(true);
    expect(second.mayAct()).toBe(false);
  });

  it("leaves nothing behind in Consul when it stops", async () => {
    const environment = aPlace();
    const leader = ours(environment);
    await expect.poll(() => leader.standing().kind, quick).toBe("leader");
    const mine = async () => {
      const text = (path: string) =>
        clean.request({ method: "GET", path: path.split("/") }).then((reply) => reply.text);
      return [await text("session/list"), await text("agent/services")].filter((all) => all.includes(environment))
        .length;
    };
    expect(await mine()).toBe(2);
    await leader.stop();
    await expect.poll(mine, quick).toBe(0);
  });
});
