import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { realClock } from "../../../src/adapters/clock.ts";
import { openCompose } from "../../../src/adapters/compose/open-compose.ts";
import type { EngineError } from "../../../src/ports/engine.ts";

const printConfig = `console.log("services: {web: {image: 'web:1'}}");`;

/** A machine with these programs on its PATH: each notes how it was called, answers `version`, and runs its script. */
async function aMachine(programs: Readonly<Record<string, string>>) {
  const directory = await mkdtemp(join(tmpdir(), "heal-compose-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const log = join(directory, "calls");
  await writeFile(log, "");
  for (const [name, script] of Object.entries(programs)) {
    const lines = [
      `#!${process.execPath}`,
      `const words = process.argv.slice(2);`,
      `const call = { pid: process.pid, name: ${JSON.stringify(name)}, words, cwd: process.cwd(), env: process.env };`,
      `require("fs").appendFileSync(${JSON.stringify(log)}, JSON.stringify(call) + "\\n");`,
      script,
    ];
    await writeFile(join(directory, name), lines.join("\n"));
    await chmod(join(directory, name), 0o755);
  }
  const compose = openCompose({
    clock: realClock(),
    environment: {
      PATH: directory,
      HOME: "/root",
      DOCKER_HOST: "tcp://wrong",
      COMPOSE_FILE: "wrong.yml",
      COMPOSE_PROJECT_NAME: "wrong",
    },
    hosts: {
      h1: { address: "unix:///run/h1.sock", tlsDirectory: null },
      h2: { address: "tcp://h2:2376", tlsDirectory: "/certs/h2" },
    },
    describeMs: 700,
    scaleMs: 700,
  });
  const calls = async (): Promise<
    { pid: number; name: string; words: string[]; cwd: string; env: Record<string, string> }[]
  > =>
    (await readFile(log, "utf8"))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  const project = { name: "shop", host: "h1", workingDirectory: directory, configFiles: ["a.yml", "b.yml"] };
  return { compose, calls, project };
}

const failure = (doing: Promise<unknown>): Promise<string> =>
  doing.then(
    () => "no failure",
    (error: EngineError) => `${error.kind}: ${error.message}`,
  );

const plugin = (script: string) => `if (words[0] !== "compose") process.exit(1);\n${script}`;
const noPlugin = `console.error("docker: 'compose' is not a docker command."); process.exit(1);`;

describe("the Compose tool", () => {
  it("is the plugin where there is one, looked for once", async () => {
    const { compose, project, calls } = await aMachine({ docker: plugin(printConfig), "docker-compose": printConfig });
    await compose.describe(project, "web");
    await compose.describe(project, "web");
    expect((await calls()).map(({ name, words }) => [name, words[0], words.at(-1)])).toEqual([
      ["docker", "compose", "version"],
      ["docker", "compose", "config"],
      ["docker", "compose", "config"],
    ]);
  });

  it("is the older program where docker has no such plugin, or is not there at all", async () => {
    const withDocker = await aMachine({ docker: noPlugin, "docker-compose": printConfig });
    expect((await withDocker.compose.describe(withDocker.project, "web")).services).toEqual(["web"]);
    const without = await aMachine({ "docker-compose": printConfig });
    expect((await without.compose.describe(without.project, "web")).services).toEqual(["web"]);
  });

  it("is said to be missing when neither is there", async () => {
    const { compose, project } = await aMachine({ docker: noPlugin });
    expect(await failure(compose.scale(project, "web", 2))).toBe(
      "refused: neither `docker compose` nor `docker-compose` is installed",
    );
  });

  it("is given the project, its files and its host's engine, and none of our own variables", async () => {
    const { compose, project, calls } = await aMachine({ docker: plugin("") });
    await compose.scale(project, "web", 3);
    await compose.scale({ ...project, host: "h2" }, "--rm; web", 3);
    const [, first, second] = await calls();
    const words = [
      "compose",
      "-p",
      "shop",
      "--project-directory",
      project.workingDirectory,
      "-f",
      "a.yml",
      "-f",
      "b.yml",
    ];
    const up = ["up", "-d", "--no-recreate", "--no-deps", "--no-build", "--scale"];
    expect(first?.words).toEqual([...words, ...up, "web=3", "--", "web"]);
    expect(first?.cwd).toBe(project.workingDirectory);
    expect(first?.env["DOCKER_HOST"]).toBe("unix:///run/h1.sock");
    expect(Object.keys(first?.env ?? {}).filter((name) => name.startsWith("COMPOSE_"))).toEqual([]);
    expect(first?.env["HOME"]).toBe("/root");
    expect(second?.words.at(-1)).toBe("--rm; web");
    expect(second?.env).toMatchObject({
      DOCKER_HOST: "tcp://h2:2376",
      DOCKER_TLS_VERIFY: "1",
      DOCKER_CERT_PATH: "/certs/h2",
    });
  });

  it.each([
    [
      `console.error("Cannot connect to the Docker daemon at unix:///x"); process.exit(1);`,
      /^unreachable: .*Cannot connect/,
    ],
    [
      `console.error("ERROR: port is already allocated"); process.exit(1);`,
      /^unclear: could not scale web .*allocated/,
    ],
    [`process.exit(3);`, /ended with 3/],
    [`process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000);`, /^unclear: .*ended with/],
    [`setInterval(() => {}, 1000);`, /^unclear: .*did not end in time/],
  ])("that fails to scale (%s) says what may have happened", async (script, expected) => {
    const { compose, project } = await aMachine({
      docker: plugin(`if (words.at(-1) === "version") process.exit(0);\n${script}`),
    });
    expect(await failure(compose.scale(project, "web", 2))).toMatch(expected);
  });

  it("that does not end is ended, also when it does not listen", async () => {
    const deaf = `if (words.at(-1) === "version") process.exit(0); process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);`;
    const { compose, project, calls } = await aMachine({ docker: plugin(deaf) });
    expect(await failure(compose.describe(project, "web"))).toMatch(/did not end in time/);
    const pid = (await calls()).at(-1)?.pid ?? 0;
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), { timeout: 4_000 });
  });

  it.each([
    [`console.log("services: [");`, /^unclear: the configuration of Compose project shop cannot be read/],
    [`console.error("yaml: line 3: mapping values"); process.exit(15);`, /^refused: could not read the files .*line 3/],
    [`for (;;) require("fs").writeSync(1, "x".repeat(65536));`, /^unclear: .*printed without end/],
  ])("that describes nonsense (%s) is not believed", async (script, expected) => {
    const { compose, project } = await aMachine({
      docker: plugin(`if (words.at(-1) === "version") process.exit(0);\n${script}`),
    });
    expect(await failure(compose.describe(project, "web"))).toMatch(expected);
  });

  it("is not run for a host that is not known", async () => {
    const { compose, project } = await aMachine({ docker: plugin(printConfig) });
    expect(await failure(compose.scale({ ...project, host: "h9" }, "web", 2))).toBe(
      "refused: host h9 is not in the settings",
    );
  });
});
