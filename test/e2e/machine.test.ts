import { setTimeout as sleep } from "node:timers/promises";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, inject, it } from "vitest";
import { ensureConsul, startConsulCluster, type ConsulAgent } from "../../scripts/machine/consul.ts";
import { ensureDocker } from "../../scripts/machine/docker.ts";
import { askEngine, engineAnswers } from "../../scripts/machine/engine-api.ts";
import { demoImages, ensureImages } from "../../scripts/machine/images.ts";
import { run, waitUntil } from "../../scripts/machine/processes.ts";
import { freePort, withLock } from "../../scripts/machine/state.ts";

const docker = inject("docker");
const consul = inject("consul");
const quiet = { say: () => undefined };

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

describe("the engine", () => {
  it("answers", async () => {
    expect(await engineAnswers(docker)).toBe(true);
  });

  it("is used, and not ended, by a second one that asks", async () => {
    const first = await ensureDocker(quiet);
    const second = await ensureDocker(quiet);
    expect(second).toMatchObject({ dockerHost: first.dockerHost, startedByUs: false });
    await second.stop();
    expect(await engineAnswers(first.dockerHost)).toBe(true);
    await first.stop();
    expect(await engineAnswers(docker)).toBe(true);
  });

  it("has the images, and making them again does nothing", async () => {
    const said: string[] = [];
    await ensureImages(docker, demoImages, { say: (line) => said.push(line) });
    expect(said).toEqual([]);
  });
});

describe("the web image", () => {
  it("serves a page that names its version, slot and host", async () => {
    const port = await freePort();
    await startContainer("heal-demo/web:2", port, [`SLOT=3`]);
    await expect.poll(() => pageAt(port, "/")).toMatch(/^200 heal-demo web:2 slot=3 host=\S+ reloads=0$/);
  });

  it("turns unhealthy and healthy again on command", async () => {
    const port = await freePort();
    const id = await startContainer("heal-demo/web:1", port);
    await expect.poll(() => pageAt(port, "/healthz")).toBe("200 ok");
    await execute(id, "unhealthy");
    await expect.poll(() => pageAt(port, "/healthz")).toMatch(/^404 /);
    expect(await pageAt(port, "/")).toMatch(/^200 /);
    await execute(id, "healthy");
    await expect.poll(() => pageAt(port, "/healthz")).toBe("200 ok");
  });

  it("counts a HUP as a reload and goes on serving", async () => {
    const port = await freePort();
    const id = await startContainer("heal-demo/web:1", port);
    await expect.poll(() => pageAt(port, "/")).toMatch(/reloads=0$/);
    await askEngine(docker, "POST", `/containers/${id}/kill?signal=HUP`);
    await expect.poll(() => pageAt(port, "/")).toMatch(/^200 .*reloads=1$/);
  });

  it("stops at once on SIGTERM, with code 0", async () => {
    const port = await freePort();
    const id = await startContainer("heal-demo/web:1", port);
    await expect.poll(() => pageAt(port, "/healthz")).toBe("200 ok");
    const before = performance.now();
    await askEngine(docker, "POST", `/containers/${id}/stop?t=10`);
    expect(performance.now() - before).toBeLessThan(3_000);
    const { State } = await askEngine<{ State: { ExitCode: number } }>(docker, "GET", `/containers/${id}/json`);
    expect(State.ExitCode).toBe(0);
  });
});

describe("the redis image", () => {
  it("answers on the port it is told", async () => {
    const port = await freePort();
    const id = await startContainer("heal-demo/redis:1", port);
    await expect.poll(() => execute(id, "redis-cli", "-p", String(port), "ping")).toBe(0);
  });
});

describe("the node image", () => {
  it("runs node", async () => {
    const id = await startContainer("heal-demo/node:1", 0, [], ["node", "-e", "process.exit(7)"]);
    const { StatusCode } = await askEngine<{ StatusCode: number }>(docker, "POST", `/containers/${id}/wait`);
    expect(StatusCode).toBe(7);
  });
});

describe("Consul", () => {
  it("has a leader", async () => {
    const leader = await fetch(`${consul}/v1/status/leader`);
    expect(await leader.json()).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it("is used, and not ended, by a second one that asks", async () => {
    const first = await ensureConsul(quiet);
    const second = await ensureConsul(quiet);
    expect(second.address).toBe(first.address);
    await second.stop();
    expect((await fetch(`${first.address}/v1/status/leader`)).ok).toBe(true);
    await first.stop();
  });

  it("makes a cluster whose crashed leader is replaced and comes back", async () => {
    const agents = await startConsulCluster({ ...quiet, name: "machine", servers: 3 });
    cleanups.push(() => Promise.all(agents.map((agent) => agent.stop())));
    const [leader, survivor] = await leaderFirst(agents);
    leader.kill("SIGKILL");
    await expect.poll(() => leaderSeenBy(survivor), { timeout: 15_000 }).not.toBe(serverAddress(leader));
    await leader.restart();
    await expect.poll(() => leaderSeenBy(leader), { timeout: 15_000 }).toBe(await leaderSeenBy(survivor));
  });
});

describe("state shared between runs", () => {
  it("lets only one at a time do work under a lock", async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await sleep(5);
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 8 }, () => withLock("machine-test", work)));
    expect(most).toBe(1);
  });

  it("gives no port twice", async () => {
    const ports = await Promise.all(Array.from({ length: 50 }, freePort));
    expect(new Set(ports).size).toBe(50);
    expect(Math.max(...ports)).toBeLessThan(32_768);
  });

  /**
   * In a network and a /run of its own, so that neither the system's engine nor that of this run is seen or met. Only
   * root can make these; who is not root has to have an engine running, and never one of ours.
   */
  it.runIf(process.getuid?.() === 0)(
    "recovers from a run that was killed together with its engine, and leaves nothing behind",
    async () => {
      const state = mkdtempSync(path.join(tmpdir(), "heal-stale-"));
      cleanups.push(async () => rmSync(state, { recursive: true, force: true }));
      const environment: NodeJS.ProcessEnv = { ...process.env, HEAL_STATE_DIR: state };
      delete environment["DOCKER_HOST"];
      const probe = fileURLToPath(new URL("support/stale-engine.ts", import.meta.url));
      const alone = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"';
      const command = ["--net", "--mount", "sh", "-c", alone, "sh", process.execPath, "--import", "tsx", probe];
      const result = await run("unshare", command, { env: environment });
      expect(result).toMatchObject({ code: 0, stdout: "started\nkilled\nstarted again\nleft: nothing\n" });
    },
  );
});

async function startContainer(image: string, port: number, env: string[] = [], command?: string[]): Promise<string> {
  const { Id } = await askEngine<{ Id: string }>(docker, "POST", "/containers/create", {
    json: {
      Image: image,
      Env: [`PORT=${port}`, ...env],
      HostConfig: { NetworkMode: "host" },
      ...(command !== undefined && { Cmd: command }),
    },
  });
  cleanups.push(() => askEngine(docker, "DELETE", `/containers/${Id}?force=true`));
  await askEngine(docker, "POST", `/containers/${Id}/start`);
  return Id;
}

/** Runs a command in a container and gives its exit code. */
async function execute(container: string, ...command: string[]): Promise<number | null> {
  const { Id } = await askEngine<{ Id: string }>(docker, "POST", `/containers/${container}/exec`, {
    json: { Cmd: command },
  });
  await askEngine(docker, "POST", `/exec/${Id}/start`, { json: { Detach: true } });
  const state = () => askEngine<{ Running: boolean; ExitCode: number | null }>(docker, "GET", `/exec/${Id}/json`);
  await waitUntil(async () => !(await state()).Running, { timeoutMs: 5_000, what: command.join(" ") });
  return (await state()).ExitCode;
}

async function pageAt(port: number, url: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}${url}`).catch(() => undefined);
  return answer === undefined ? "no answer" : `${answer.status} ${(await answer.text()).trim()}`;
}

async function leaderFirst(agents: readonly ConsulAgent[]): Promise<[ConsulAgent, ConsulAgent]> {
  const [any] = agents;
  if (any === undefined) throw new Error("a cluster without servers");
  const address = await leaderSeenBy(any);
  const leader = agents.find((agent) => serverAddress(agent) === address);
  const survivor = agents.find((agent) => agent !== leader);
  if (leader === undefined || survivor === undefined) throw new Error(`nobody is the leader ${address}`);
  return [leader, survivor];
}

async function leaderSeenBy(agent: ConsulAgent): Promise<string> {
  return (await (await fetch(`${agent.address}/v1/status/leader`)).json()) as string;
}

function serverAddress(agent: ConsulAgent): string {
  return `${agent.bind}:${agent.ports.server}`;
}
