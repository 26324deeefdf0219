import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Stands between heal and an engine, and notes when the one is told of a death and when the other is asked for a container. */
export interface RecordingProxy {
  /** As DOCKER_HOST spells it. */
  readonly address: string;
  /** Of the last death that was followed by a creation; each is given once. */
  lastDieToCreateMs(): number | null;
  close(): void;
}

const DIE = Buffer.from('"Action":"die"');
const CREATE = /^POST \/(?:v[\d.]+\/)?containers\/create/;

export async function recordBetween(docker: string): Promise<RecordingProxy> {
  const { pathname } = new URL(docker);
  const folder = mkdtempSync(join(tmpdir(), "heal-bench-"));
  const path = join(folder, "docker.sock");
  const open = new Set<net.Socket>();
  let diedAtMs: number | null = null;
  let lastMs: number | null = null;
  const server = net.createServer((client) => {
    const engine = net.connect(pathname);
    for (const [from, to] of [
      [client, engine],
      [engine, client],
    ] as const) {
      open.add(from);
      from.on("error", () => to.destroy()).on("close", () => (open.delete(from), to.destroy()));
    }
    client.on("data", (bytes) => {
      if (diedAtMs !== null && CREATE.test(bytes.subarray(0, 60).toString("latin1"))) {
        lastMs = performance.now() - diedAtMs;
        diedAtMs = null;
      }
      engine.write(bytes);
    });
    engine.on("data", (bytes) => {
      client.write(bytes);
      if (bytes.includes(DIE)) diedAtMs = performance.now();
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    address: `unix://${path}`,
    lastDieToCreateMs() {
      const value = lastMs;
      lastMs = null;
      return value;
    },
    close() {
      server.close();
      for (const socket of open) socket.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
