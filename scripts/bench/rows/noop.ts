import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { webService } from "../../../test/e2e/support/services.ts";
import { until } from "../../../test/e2e/support/site.ts";
import { findProgram, mustRun } from "../../machine/processes.ts";
import type { Context, Row } from "../harness/row.ts";
import { NotMeasured } from "../harness/row.ts";
import { stageOf } from "../harness/stage.ts";
import { interleave, timed } from "../harness/turns.ts";

const names = Array.from({ length: 10 }, (_, at) => `noop${at}`);
const reference = "`docker-compose up -d` with nothing to do, 10 services";
const goal = 0.2;

export const noopRows: readonly Row[] = [
  {
    id: "noop-one-shot",
    what: "`heal` with nothing to do, 10 services, no daemon",
    reference,
    goal,
    run: (context) => beside(context, ({ heal }) => heal),
  },
  {
    id: "noop-floor",
    what: "not heal: bare Node that asks Consul and Docker what `heal` asks there, and does nothing with the answers",
    reference,
    goal,
    run: (context) => beside(context, ({ bare }) => bare),
  },
];

async function beside(context: Context, subject: (ground: Ground) => () => Promise<unknown>) {
  const ground = await context.once("noop", () => prepare(context));
  return interleave(
    context.quick ? 4 : 15,
    1,
    () => timed(subject(ground)),
    () => timed(ground.compose),
  );
}

interface Ground {
  heal(): Promise<unknown>;
  bare(): Promise<unknown>;
  compose(): Promise<unknown>;
}

/** Ten services that heal keeps, and ten of a Compose project; nothing is to be done about either. */
async function prepare(context: Context): Promise<Ground> {
  const compose = findProgram("docker-compose");
  if (compose === undefined) throw new NotMeasured("docker-compose is not installed");
  const stage = await stageOf(context);
  const site = stage.site();
  site.desire(Object.fromEntries(names.map((name) => [name, webService(1)])));
  await until(async () => (await site.heal()).code === 0, "ten services to be healthy", 120_000);
  const folder = mkdtempSync(join(tmpdir(), "heal-bench-"));
  const services = Object.fromEntries(names.map((name) => [name, { image: "heal-demo/web:1" }]));
  writeFileSync(join(folder, "docker-compose.yml"), JSON.stringify({ version: "3", services }));
  const options = { cwd: folder, env: { ...process.env, DOCKER_HOST: stage.docker }, timeoutMs: 120_000 };
  context.undo("Compose project", async () => {
    await mustRun(compose, ["down", "-t", "1"], options);
    rmSync(folder, { recursive: true, force: true });
  });
  await mustRun(compose, ["up", "-d"], options);
  const script = join(folder, "bare.cjs");
  writeFileSync(script, bareAsker(stage, site.environment));
  return {
    heal: () => site.heal(),
    bare: () => mustRun(process.execPath, [script], options),
    compose: () => mustRun(compose, ["up", "-d"], options),
  };
}

/** All questions at once, as they come to mind, with nothing loaded but Node's own HTTP client. */
function bareAsker(
  { consul, docker }: { readonly consul: string; readonly docker: string },
  environment: string,
): string {
  const toConsul = [
    `/v1/kv/heal/${environment}?recurse=true`,
    "/v1/catalog/nodes",
    ...names.map((name) => `/v1/health/service/${name}`),
  ];
  const filters = encodeURIComponent(JSON.stringify({ label: [`heal.environment=${environment}`] }));
  const toDocker = ["/_ping", `/containers/json?all=true&filters=${filters}`];
  const wanted = [
    ...toConsul.map((path) => ({ ...endpoint(consul), path })),
    ...toDocker.map((path) => ({ ...endpoint(docker), path })),
  ];
  return `
    const http = require("node:http");
    for (const one of ${JSON.stringify(wanted)}) http.get(one, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part) => (text += part)).on("end", () => text.startsWith("[") && JSON.parse(text));
    });`;
}

function endpoint(url: string): object {
  if (url.startsWith("unix://")) return { socketPath: url.slice("unix://".length) };
  const { hostname, port } = new URL(url);
  return { hostname, port };
}
