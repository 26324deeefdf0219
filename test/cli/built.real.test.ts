import { execFile, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { running } from "../server/support/running.ts";
import { fakeController } from "./support/fake-controller.ts";
import { aServiceReport, aStatusReport } from "./support/reports.ts";
import { aStanding } from "../builders/standing.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
let directory = "";
let bin = "";

/** What `npm pack` would hold, where no dependency can be found beside it. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "heal-built-"));
  bin = join(directory, "package/dist/bin.js");
  const built = await execute("node_modules/.bin/tsx", ["scripts/build.ts", join(directory, "package/dist")], {
    cwd: root,
  });
  expect(built).toMatchObject({ code: 0, err: "" });
  cpSync(join(root, "package.json"), join(directory, "package/package.json"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function execute(
  command: string,
  argv: readonly string[],
  options: { cwd?: string; input?: string } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(command, argv, { cwd: options.cwd ?? directory, env: environment }, (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, out, err });
    });
    child.stdin?.end(options.input ?? "");
  });
}

const environment = { PATH: process.env["PATH"], HOME: tmpdir(), NO_COLOR: "1" };

function configured(socketPath: string): string {
  const file = join(directory, "heal.json");
  writeFileSync(file, JSON.stringify({ server: { socket: socketPath } }));
  return file;
}

describe("the built program", () => {
  it("has what V8 made of it beside it, which this Node takes", () => {
    const dist = join(directory, "package/dist");
    const compiled = readdirSync(dist).filter((name) => name.endsWith(".compiled"));
    expect(compiled).toEqual([`program.${process.arch}-${process.version}.compiled`]);
    const { openProgram } = createRequire(import.meta.url)(join(dist, "ordinary.js")) as {
      openProgram: () => { script: { cachedDataRejected?: boolean } };
    };
    expect(openProgram().script.cachedDataRejected).toBe(false);
  });

  it("runs as well without that, or with that of another V8", async () => {
    const [name = ""] = readdirSync(join(directory, "package/dist")).filter((one) => one.endsWith(".compiled"));
    const compiled = join(directory, "package/dist", name);
    renameSync(compiled, join(directory, "put-away"));
    expect(await execute(bin, ["--version"])).toMatchObject({ code: 0, err: "" });
    writeFileSync(compiled, "of another V8");
    expect(await execute(bin, ["--version"])).toMatchObject({ code: 0, err: "" });
    renameSync(join(directory, "put-away"), compiled);
  });

  it("has each package that stands apart with the names by which it is used", () => {
    const packages = join(directory, "package/dist/packages");
    const load = createRequire(import.meta.url);
    const used: Readonly<Record<string, readonly string[]>> = {
      "fastify-bearer-auth.js": [],
      "fastify.js": [],
      "ioredis.js": ["Redis"],
      "liquidjs.js": ["Liquid"],
      "node-cron.js": ["createTask", "validate"],
      "nodemailer.js": ["createTransport"],
      "pino.js": ["pino"],
      "prom-client.js": ["Counter", "Gauge", "Histogram", "Registry", "collectDefaultMetrics"],
      "undici.js": ["Agent", "ProxyAgent", "request"],
      "yaml.js": ["isMap", "parseDocument"],
    };
    expect(readdirSync(packages).sort()).toEqual(Object.keys(used));
    for (const [file, names] of Object.entries(used)) {
      const loaded = load(join(packages, file)) as Readonly<Record<string, unknown>>;
      expect([file, names.filter((name) => typeof loaded[name] !== "function")]).toEqual([file, []]);
      if (names.length === 0) expect(loaded).toBeTypeOf("function");
    }
  });

  it("is an executable file that loads nothing but what the quick ways need", () => {
    const text = readFileSync(bin, "utf8");
    expect(text.startsWith("#!/usr/bin/env node\n")).toBe(true);
    expect(statSync(bin).mode & 0o111).toBe(0o111);
    const loads = [...text.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name);
    expect(new Set(loads)).toEqual(new Set(["node:net", "node:fs", "node:path", "node:os", "./ordinary.js"]));
  });

  it("runs where nothing else is installed", async () => {
    expect(await execute(bin, ["--version"])).toEqual({ code: 0, out: "0.1.0\n", err: "" });
    expect((await execute(bin, ["why", "--help"])).out).toContain("Usage: heal why");
    expect((await execute(bin, ["completion", "bash"])).out).toContain("complete -F");
    writeFileSync(join(directory, "broken.json"), '{ "environments": ');
    const broken = await execute(bin, ["status", "--config", "broken.json"]);
    expect([broken.code, broken.err.split("\n")[0]]).toEqual([78, expect.stringContaining("broken.json:1:18:")]);
  });

  it("carries the licences of what it is made of", () => {
    const text = readFileSync(join(directory, "package/dist/THIRD-PARTY-LICENSES.txt"), "utf8");
    for (const name of ["commander", "dockerode", "fastify", "pino"])
      expect(text).toMatch(new RegExp(`^${name} \\d`, "m"));
  });
});

describe("beside a daemon", () => {
  const web = aStanding("web", { status: 2, healthy: 1, summary: "1/3 healthy: 2 missing" });
  const many = Array.from({ length: 5_000 }, (_, index) => aServiceReport(aStanding(`service-${index}`)));

  it("heal check asks it, and so does every other command", async () => {
    const fake = fakeController({ status: async () => aStatusReport([aServiceReport(web)]) });
    const { server } = await running({ fake });
    const config = configured(server.socketPath);
    expect(await execute(bin, ["check", "web", "--config", config])).toEqual({
      code: 2,
      out: "web CRITICAL 1/3 healthy: 2 missing\n",
      err: "",
    });
    const status = await execute(bin, ["status", "--config", config]);
    expect([status.code, status.out.split("\n")[0]]).toEqual([2, "live  1 service: 1 critical"]);
    expect(await execute(bin, ["watch", "--config", config], { input: '[{"ServiceName":"web"}]' })).toEqual({
      code: 0,
      out: "",
      err: "",
    });
    expect(fake.calls).toEqual([
      ["status", ["web"]],
      ["status", []],
      ["nudge", ["web"]],
    ]);
  });

  it("heal watch reads whatever it is given to its end, and takes too much for a hint about all", async () => {
    const fake = fakeController();
    const { server } = await running({ fake });
    const argv = ["watch", "--config", configured(server.socketPath)];
    const huge = `[{"ServiceName":"web"}${" ".repeat(65 * 1024 * 1024)}]`;
    expect(await execute(bin, argv, { input: huge })).toEqual({ code: 0, out: "", err: "" });
    expect(fake.calls).toEqual([["nudge", []]]);
  });

  it("a reader that has seen enough is no failure, and a long answer comes whole", async () => {
    const { server } = await running({ fake: fakeController({ status: async () => aStatusReport(many) }) });
    const config = configured(server.socketPath);
    const whole = await execute(bin, ["check", "--config", config]);
    expect([whole.code, whole.out.split("\n").length]).toEqual([0, 5_001]);
    const shell = await execute("sh", ["-c", `"${bin}" status --config "${config}" | head -1`]);
    expect(shell).toEqual({ code: 0, out: "live  5000 services: 5000 passing\n", err: "" });
  });

  it("Ctrl-C ends a command that waits", async () => {
    let asked = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (asked = resolve));
    const pass = () => {
      asked();
      return new Promise<never>(() => undefined);
    };
    const { server } = await running({ fake: fakeController({ pass }) });
    const child = spawn(bin, ["--config", configured(server.socketPath)], { env: environment, stdio: "ignore" });
    const ended = new Promise((resolve) => child.on("exit", resolve));
    await waiting;
    child.kill("SIGINT");
    expect(await ended).toBe(130);
  });
});
