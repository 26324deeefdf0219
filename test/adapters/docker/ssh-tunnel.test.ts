import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { realClock } from "../../../src/adapters/clock.ts";
import { openEngine } from "../../../src/adapters/docker/open-engine.ts";
import type { EngineError } from "../../../src/ports/engine.ts";
import { everything } from "./answers.ts";
import { aFakeEngine, json } from "./fake-engine.ts";

/** Stands in for ssh: notes how it was called, and forwards the local socket as `-L` says, or does what the test wants. */
async function aProgram(
  script: string,
  interpreter = "/bin/sh",
): Promise<{ path: string; calls: () => Promise<string[][]> }> {
  const directory = await mkdtemp(join(tmpdir(), "heal-ssh-program-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, "ssh");
  const log = join(directory, "calls");
  await writeFile(log, "");
  const lines = [
    "#!/bin/sh",
    `echo "$$ $*" >>${log}`,
    ...(interpreter === "/bin/sh" ? [script] : [`exec ${interpreter} ${path}.js "$@"`]),
  ];
  await writeFile(`${path}.js`, script);
  await writeFile(path, lines.join("\n"));
  await chmod(path, 0o755);
  const calls = async () =>
    (await readFile(log, "utf8"))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split(" "));
  return { path, calls };
}

const forward = `
  const net = require("net");
  const [local, remote] = process.argv[process.argv.indexOf("-L") + 1].split(":");
  net.createServer((near) => {
    const far = net.connect(remote);
    near.pipe(far).pipe(near);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
  }).listen(local);
`;

function open(address: string, sshProgram: string, connectMs = 3_000) {
  const engine = openEngine("h1", { address, tlsDirectory: null }, { clock: realClock(), sshProgram, connectMs });
  onTestFinished(() => engine.close());
  return engine;
}

const failure = (doing: Promise<unknown>): Promise<string> =>
  doing.then(
    () => "no failure",
    (error: EngineError) => `${error.kind}: ${error.message}`,
  );

/** The socket that ssh was told to listen on. */
function localSocket(call: readonly string[] | undefined): string {
  return call?.[call.indexOf("-L") + 1]?.split(":")[0] ?? "";
}

describe("an engine behind ssh", () => {
  it("is reached through one process, which checks host keys and never asks anything", async () => {
    const fake = await aFakeEngine({ "/containers/json": json([]) });
    const ssh = await aProgram(forward, process.execPath);
    const engine = open(`ssh://ops@h1.example:2222${fake.socketPath}`, ssh.path);
    await Promise.all([engine.list(everything), engine.list(everything)]);
    expect(await engine.list(everything)).toEqual([]);
    const calls = await ssh.calls();
    expect(calls).toHaveLength(1);
    const words = calls[0]?.slice(1) ?? [];
    expect(words).toContain("StrictHostKeyChecking=yes");
    expect(words).toContain("BatchMode=yes");
    expect(words.join(" ")).toMatch(new RegExp(`-L \\S+:${fake.socketPath} -p 2222 -l ops -- h1\\.example$`));
  });

  it("is unreachable, in ssh's own words, when ssh cannot get there", async () => {
    const ssh = await aProgram(`echo "Host key verification failed." >&2; exit 255`);
    const engine = open("ssh://h1.example", ssh.path);
    expect(await failure(engine.list(everything))).toMatch(
      /^unreachable: .*ssh to h1.example: Host key verification failed\.$/,
    );
  });

  it("is unreachable when there is no ssh", async () => {
    const engine = open("ssh://h1.example", "/nowhere/ssh");
    expect(await failure(engine.list(everything))).toMatch(/^unreachable: .*ENOENT/);
  });

  it("is unreachable when ssh does not get anywhere in time, and ssh is ended", async () => {
    const ssh = await aProgram("exec /bin/sleep 60");
    const engine = open("ssh://h1.example", ssh.path, 400);
    expect(await failure(engine.list(everything))).toMatch(/^unreachable: .*no connection within 400 ms/);
    const [pid] = (await ssh.calls())[0] ?? [];
    await vi.waitFor(() => expect(() => process.kill(Number(pid), 0)).toThrow("ESRCH"));
  });

  it("is reached anew after ssh has ended, and nothing is left when the engine is closed", async () => {
    const fake = await aFakeEngine({ "/containers/json": json([]) });
    const ssh = await aProgram(forward, process.execPath);
    const engine = open(`ssh://h1.example${fake.socketPath}`, ssh.path);
    await engine.list(everything);
    const [pid] = (await ssh.calls())[0] ?? [];
    process.kill(Number(pid), "SIGKILL");
    await vi.waitFor(async () => expect(await failure(engine.list(everything))).toBe("no failure"), { timeout: 3_000 });
    const calls = await ssh.calls();
    expect(calls).toHaveLength(2);
    expect(existsSync(localSocket(calls[1]))).toBe(true);
    engine.close();
    await vi.waitFor(() => {
      for (const call of calls) expect(existsSync(dirname(localSocket(call)))).toBe(false);
    });
  });
});
