import type { ChildProcess } from "node:child_process";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { findProgram } from "../../../scripts/machine/processes.ts";
import { freePort } from "../../../scripts/machine/state.ts";
import { realClock } from "../../../src/adapters/clock.ts";
import { openEngine } from "../../../src/adapters/docker/open-engine.ts";
import type { EngineError } from "../../../src/ports/engine.ts";
import { everything } from "./answers.ts";
import { realDockerHost } from "./real.ts";

/** The machine's own sshd with keys and a configuration of this test's, in front of the real engine's socket. */
const directory = mkdtempSync(join(tmpdir(), "heal-sshd-"));
const at = (name: string): string => join(directory, name);
let port = 0;
let daemon: ChildProcess;

beforeAll(async () => {
  for (const name of ["host", "user", "stranger"])
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", at(name)]);
  writeFileSync(at("authorized"), readFileSync(at("user.pub")));
  port = await freePort();
  const lines = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${at("host")}`,
    `AuthorizedKeysFile ${at("authorized")}`,
    "PidFile none",
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "PermitRootLogin prohibit-password",
    "AllowStreamLocalForwarding yes",
  ];
  writeFileSync(at("sshd_config"), `${lines.join("\n")}\n`);
  // Where its package has not been configured by an init system, it is missing.
  mkdirSync("/run/sshd", { recursive: true });
  daemon = spawn(findProgram("sshd") ?? "sshd", ["-D", "-e", "-f", at("sshd_config")], { stdio: "ignore" });
  await vi.waitFor(async () => expect(await answers(port)).toBe(true), { timeout: 20_000 });
});

afterAll(() => {
  daemon.kill();
  rmSync(directory, { recursive: true });
});

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true));
    socket.on("error", () => resolve(false)).on("connect", () => socket.destroy());
  });
}

/** The system's own ssh with a user's configuration: his key, and the host keys he knows. */
function anSsh(key: string, knownHostKey: string): string {
  const hosts = at(`known-${key}-${knownHostKey}`);
  writeFileSync(hosts, `[127.0.0.1]:${port} ${readFileSync(at(`${knownHostKey}.pub`), "utf8")}`);
  const config = ["Host *", `IdentityFile ${at(key)}`, "IdentitiesOnly yes", `UserKnownHostsFile ${hosts}`];
  writeFileSync(`${hosts}.config`, `${config.join("\n  ")}\n`);
  writeFileSync(`${hosts}.sh`, `#!/bin/sh\nexec ssh -F ${hosts}.config "$@"\n`);
  chmodSync(`${hosts}.sh`, 0o755);
  return `${hosts}.sh`;
}

function open(sshProgram: string) {
  const address = `ssh://${userInfo().username}@127.0.0.1:${port}${realDockerHost().replace("unix://", "")}`;
  const engine = openEngine("h1", { address, tlsDirectory: null }, { clock: realClock(), sshProgram });
  onTestFinished(() => engine.close());
  return engine;
}

const nobody = { ...everything, environment: "nobody" };
const failure = (doing: Promise<unknown>): Promise<string> =>
  doing.then(
    () => "no failure",
    (error: EngineError) => `${error.kind}: ${error.message}`,
  );

describe("an engine behind a real sshd", () => {
  it("is reached with a key that it takes", async () => {
    const engine = open(anSsh("user", "host"));
    expect(await engine.list(nobody)).toEqual([]);
    expect((await engine.ping()).id).not.toBe("");
  });

  it("is reached anew when sshd has been ended in the middle and is back", async () => {
    const engine = open(anSsh("user", "host"));
    await engine.list(nobody);
    execFileSync("sh", ["-c", `for pid in $(cat /proc/${daemon.pid}/task/*/children); do kill -9 $pid; done`]);
    await expect.poll(() => failure(engine.list(nobody)), { timeout: 20_000 }).toBe("no failure");
  });

  it("is unreachable, in ssh's own words, with a key that it does not take", async () => {
    expect(await failure(open(anSsh("stranger", "host")).list(nobody))).toMatch(/^unreachable: .*Permission denied/);
  });

  it("is not talked to when its host key is another one than is known", async () => {
    expect(await failure(open(anSsh("user", "stranger")).list(nobody))).toMatch(
      /^unreachable: .*(Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED)/s,
    );
  });
});
