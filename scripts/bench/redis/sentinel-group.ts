/** Three Redis containers and three Sentinels on this machine, at the settings that make Sentinel quickest. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Docker from "dockerode";
import { Redis } from "ioredis";
import type { Group, GroupMaster } from "./group.ts";
import { addressIn, settle, type Settings } from "./group.ts";

const SENTINELS = 3;
const NAME = "bench";

export async function openSentinelGroup(docker: Docker, settings: Settings): Promise<Group> {
  const suffix = randomUUID().slice(0, 6);
  const directory = await mkdtemp(join(tmpdir(), "heal-bench-sentinel-"));
  const containers: { readonly id: string; readonly host: string }[] = [];
  const sentinels: ChildProcess[] = [];
  const firstPort = 21_000 + Math.floor(Math.random() * 2_000) * 4;
  const end = async (): Promise<void> => {
    for (const sentinel of sentinels) sentinel.kill("SIGKILL");
    for (const { id } of containers) await docker.getContainer(id).remove({ force: true, v: true });
    await rm(directory, { recursive: true, force: true });
  };
  try {
    for (let slot = 1; slot <= settings.count; slot += 1) {
      const replicaOf = containers[0] === undefined ? [] : ["--replicaof", `${containers[0].host} 6379`];
      const container = await docker.createContainer({
        name: `bench-sentinel-${suffix}-${slot}`,
        Image: settings.image,
        Cmd: [...settings.command, ...replicaOf],
        ExposedPorts: { "6379/tcp": {} },
      });
      await container.start();
      const { NetworkSettings } = await container.inspect();
      containers.push({ id: container.id, host: addressIn(NetworkSettings) });
    }
    for (let number = 0; number < SENTINELS; number += 1) {
      const file = join(directory, `${number}.conf`);
      await writeFile(
        file,
        [
          `port ${firstPort + number}`,
          "bind 0.0.0.0",
          "protected-mode no",
          `dir ${directory}`,
          `sentinel monitor ${NAME} ${containers[0]?.host} 6379 2`,
          `sentinel down-after-milliseconds ${NAME} ${settings.downAfterMs}`,
          `sentinel failover-timeout ${NAME} 10000`,
          `sentinel parallel-syncs ${NAME} 1`,
          "",
        ].join("\n"),
      );
      sentinels.push(spawn("redis-server", [file, "--sentinel"], { stdio: "ignore" }));
    }
  } catch (error) {
    await end();
    throw error;
  }
  const ask = new Redis({ host: "127.0.0.1", port: firstPort, maxRetriesPerRequest: 1 });
  ask.on("error", () => undefined);
  const locate = async (): Promise<GroupMaster | null> => {
    const answer = await ask.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME).catch(() => null);
    if (!Array.isArray(answer)) return null;
    const host = String(answer[0]);
    const container = containers.find((one) => one.host === host);
    return container === undefined ? null : { host, port: 6379, container: container.id, inside: host };
  };
  return {
    name: "Sentinel",
    locate,
    async ready() {
      await settle("Sentinel sees replicas and Sentinels", async () => {
        const answer = (await ask.call("SENTINEL", "MASTER", NAME).catch(() => [])) as readonly string[];
        const value = (field: string): number => Number(answer[answer.indexOf(field) + 1] ?? 0);
        return value("num-slaves") === settings.count - 1 && value("num-other-sentinels") === SENTINELS - 1;
      });
      for (const { host } of containers) {
        const node = new Redis({ host, port: 6379, maxRetriesPerRequest: 1 });
        for (const [name, text] of Object.entries(settings.configuration)) await node.config("SET", name, text);
        node.disconnect();
      }
      // Sentinel needs the replicas' state of a moment ago, which it asks for every ten seconds.
      await new Promise((resolve) => setTimeout(resolve, 11_000));
      const master = await locate();
      if (master === null) throw new Error("Sentinel knows no master");
      return master;
    },
    told: () => [],
    async switchover() {
      await ask.call("SENTINEL", "FAILOVER", NAME);
    },
    async end() {
      ask.disconnect();
      await end();
    },
  };
}
