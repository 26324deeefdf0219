import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { realClock } from "../../../src/adapters/clock.ts";
import { openCompose } from "../../../src/adapters/compose/open-compose.ts";
import type { EngineError } from "../../../src/ports/engine.ts";

const printConfig = `echo "services: {web: {image: 'web:1'}}"`;

interface Call {
  readonly pid: number;
  readonly name: string;
  readonly words: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A machine with these shell scripts on its PATH: each notes how it was called before it does anything. */
async function aMachine(programs: Readonly<Record<string, string>>, deadlineMs = 5_000) {
  const directory = await mkdtemp(join(tmpdir(), "heal-compose-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const log = join(directory, "calls");
  await writeFile(log, "");
  for (const [name, script] of Object.entries(programs)) {
    const lines = [
      "#!/bin/sh",
      `{ echo "call $$ ${name} $PWD"; for word in "$@"; do echo "word $word"; done; export -p; } >>${log}`,
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
    describeMs: deadlineMs,
    scaleMs: deadlineMs,
  });
  const calls = async (): Promise<readonly Call[]> =>
    (await readFile(log, "utf8"))
      .split(/^call /m)
      .slice(1)
      .map(callOf);
  const project = { name: "shop", host: "h1", workingDirectory: directory, configFiles: ["a.yml", "b.yml"] };
  return { compose, calls, project };
}

/** As dash and bash print it: `export NAME='value'`, or `declare -x NAME="value"`. */
function callOf(text: string): Call {
  const [first = "", ...lines] = text.split("\n");
  const [pid = "", name = "", cwd = ""] = first.split(" ");
  const words = lines.flatMap((line) => (line.startsWith("word ") ? [line.slice(5)] : []));
  const exported = lines.flatMap((line) => {
    const [, key = "", value = ""] = /^(?:export|declare -x) (\w+)=['"]?(.*?)['"]?$/.exec(line) ?? [];
    return key === "" ? [] : [[key, value] as const];
  });
  return { pid: Number(pid), name, words, cwd, env: Object.fromEntries(exported) };
}

const failure = (doing: Promise<unknown>): Promise<string> =>
  doing.then(
    () => "no failure",
    (error: EngineError) => `${error.kind}: ${error.message}`,
  );

const plugin = (script: string) => `[ "$1" = compose ] || exit 1\n${script}`;
const noPlugin = `echo "docker: 'compose' is not a docker command." >&2; exit 1`;
/** One that is found, and does something else when it is given work. */
const found = (script: string) => plugin(`case "$*" in *version) exit 0 ;; esac\n${script}`);
/** Long enough for a shell to begin, short enough to wait for. */
const impatientMs = 400;

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
    [`echo "Cannot connect to the Docker daemon at unix:///x" >&2; exit 1`, /^unreachable: .*Cannot connect/],
    [`echo "ERROR: port is already allocated" >&2; exit 1`, /^unclear: could not scale web .*allocated/],
    [`exit 3`, /ended with 3/],
    [`kill -KILL $$`, /^unclear: .*ended with/],
  ])("that fails to scale (%s) says what may have happened", async (script, expected) => {
    const { compose, project } = await aMachine({ docker: found(script) });
    expect(await failure(compose.scale(project, "web", 2))).toMatch(expected);
  });

  it("that does not end is ended, also when it does not listen", async () => {
    const deaf = found(`trap "" TERM; exec /bin/sleep 60`);
    const { compose, project, calls } = await aMachine({ docker: deaf }, impatientMs);
    const [scaled, described] = await Promise.all([
      failure(compose.scale(project, "web", 2)),
      failure(compose.describe(project, "web")),
    ]);
    expect(scaled).toMatch(/^unclear: .*did not end in time/);
    expect(described).toMatch(/did not end in time/);
    const running = (await calls()).filter(({ words }) => words.at(-1) !== "version");
    expect(running).toHaveLength(2);
    for (const { pid } of running)
      await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), { timeout: 4_000 });
  });

  it.each([
    [`echo "services: ["`, /^unclear: the configuration of Compose project shop cannot be read/],
    [`echo "yaml: line 3: mapping values" >&2; exit 15`, /^refused: could not read the files .*line 3/],
    [`exec /usr/bin/yes`, /^unclear: .*printed without end/],
  ])("that describes nonsense (%s) is not believed", async (script, expected) => {
    const { compose, project } = await aMachine({ docker: found(script) });
    expect(await failure(compose.describe(project, "web"))).toMatch(expected);
  });

  it("is not run for a host that is not known", async () => {
    const { compose, project } = await aMachine({ docker: plugin(printConfig) });
    expect(await failure(compose.scale({ ...project, host: "h9" }, "web", 2))).toBe(
      "refused: host h9 is not in the settings",
    );
  });
});
