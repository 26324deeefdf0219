import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, inject, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const name = `heal-image-${randomUUID().slice(0, 8)}`;
const environment = { ...process.env, DOCKER_HOST: inject("docker"), DOCKER_BUILDKIT: "0" };
let directory = "";

function run(command: string, argv: readonly string[]): Promise<{ readonly code: number; readonly out: string }> {
  return new Promise((resolve) => {
    execFile(command, argv, { cwd: root, env: environment }, (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, out: out + err });
    });
  });
}

const docker = (...argv: readonly string[]) => run("docker", argv);

/** What a machine without an image registry does: the program built outside, on a base that was made there. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "heal-image-"));
  const context = join(directory, "context");
  mkdirSync(context);
  for (const file of ["Dockerfile", ".dockerignore", "package.json", "LICENSE"])
    cpSync(join(root, file), join(context, file));
  expect(await run("node_modules/.bin/tsx", ["scripts/build.ts", join(context, "dist")])).toMatchObject({ code: 0 });
  const built = await docker(
    "build",
    "--target",
    "prebuilt",
    "--build-arg",
    "BASE=heal-demo/node:1",
    "-t",
    name,
    context,
  );
  expect([built.code, built.out]).toEqual([0, expect.stringContaining("Successfully tagged")]);
  const desired = join(directory, "etc", "desired-state");
  mkdirSync(desired, { recursive: true });
  writeFileSync(join(desired, "web.json"), '{ "services": { "web": { "count": 2 } } }');
  for (const one of [directory, join(directory, "etc"), desired]) chmodSync(one, 0o755);
});

afterAll(async () => {
  await docker("rm", "-f", name);
  await docker("rmi", "-f", name);
  rmSync(directory, { recursive: true, force: true });
});

it("the image runs the daemon as an ordinary user, healthy although it can reach nothing, and stops when told to", async () => {
  expect((await docker("run", "--rm", name, "--version")).out).toBe("0.1.0\n");
  const volume = `${join(directory, "etc")}:/etc/heal:ro`;
  expect(await docker("run", "-d", "--init", "--health-interval=1s", "-v", volume, "--name", name, name)).toMatchObject(
    { code: 0 },
  );
  const health = async () => (await docker("inspect", name, "--format", "{{.State.Health.Status}}")).out.trim();
  for (let tries = 0; tries < 60 && (await health()) !== "healthy"; tries += 1) await wait(500);
  expect(await health()).toBe("healthy");
  expect((await docker("exec", name, "id", "-u")).out).toBe("1000\n");

  // Neither Consul nor Docker can be reached from in there: that is unknown, and neither a bug nor a reason to stop.
  const check = await docker("exec", name, "node", "/opt/heal/dist/bin.js", "check");
  expect(check).toEqual({ code: 3, out: expect.stringMatching(/^web UNKNOWN cannot tell: /) });
  expect(await docker("exec", name, "node", "/opt/heal/dist/bin.js", "run")).toMatchObject({
    code: 73,
    out: expect.stringContaining("a daemon of this environment runs on this machine already"),
  });

  await docker("stop", "--time", "10", name);
  expect((await docker("inspect", name, "--format", "{{.State.ExitCode}} {{.State.OOMKilled}}")).out).toBe("0 false\n");
  expect((await docker("logs", name)).out).toContain('"event":"controller.stopped"');
});
