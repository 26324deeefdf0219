import { stat } from "node:fs/promises";
import { cleanText } from "../../model/clean-text.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Compose, ComposeProject } from "../../ports/compose.ts";
import { EngineError } from "../../ports/engine.ts";
import { runTool, type ToolOutcome } from "./run-tool.ts";

export interface ComposeOptions {
  readonly clock: Clock;
  /** What the tool is run with: `PATH` and `HOME` matter; `DOCKER_*` and `COMPOSE_*` are left out. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Per host of the environment: how the tool finds its engine. */
  readonly hosts: Readonly<Record<string, ComposeEngine>>;
  readonly describeMs?: number;
  readonly scaleMs?: number;
}

/** An engine in the words of `DOCKER_HOST` and, with TLS, `DOCKER_CERT_PATH`. */
export interface ComposeEngine {
  readonly address: string;
  readonly tlsDirectory: string | null;
}

/** The two spellings; the plugin is newer and is preferred. */
const spellings = [["docker", "compose"], ["docker-compose"]] as const;
type Spelling = (typeof spellings)[number];

const sentenceBytesMax = 500;

/** Compose projects whose files are on this machine, through whichever spelling of the tool it has. */
export function openCompose(options: ComposeOptions): Compose {
  const { clock, describeMs = 20_000, scaleMs = 60_000 } = options;
  const base = inheritedEnvironment(options.environment);
  let known: Promise<Spelling> | null = null;

  const find = async (): Promise<Spelling> => {
    for (const spelling of spellings) {
      const [program, ...rest] = spelling;
      const run = { program, arguments: [...rest, "version"], workingDirectory: null, environment: base };
      const outcome = await runTool(clock, { ...run, deadlineMs: describeMs });
      if (outcome.kind === "ended" && outcome.code === 0) return spelling;
    }
    throw new EngineError("refused", "neither `docker compose` nor `docker-compose` is installed");
  };

  const tool = (): Promise<Spelling> => {
    // One that is missing may be installed while the daemon runs.
    known ??= find().catch((error: unknown) => {
      known = null;
      throw error;
    });
    return known;
  };

  const run = async (project: ComposeProject, words: readonly string[], deadlineMs: number): Promise<ToolOutcome> => {
    const engine = options.hosts[project.host];
    if (engine === undefined) throw new EngineError("refused", `host ${project.host} is not in the settings`);
    await mustHaveDirectory(project);
    const [program, ...rest] = await tool();
    return runTool(clock, {
      program,
      arguments: [...rest, ...projectArguments(project), ...words],
      workingDirectory: project.workingDirectory,
      environment: { ...base, ...engineVariables(engine) },
      deadlineMs,
    });
  };

  return {
    async describe(project, service) {
      const outcome = await run(project, ["config"], describeMs);
      const output = outputOf(outcome, `read the files of Compose project ${project.name}`, "refused");
      try {
        const { readConfig } = await import("./unscalable.ts");
        return readConfig(output, service);
      } catch (error) {
        const message = `the configuration of Compose project ${project.name} cannot be read: ${sentence(error)}`;
        throw new EngineError("unclear", message, { cause: error });
      }
    },
    async scale(project, service, replicas) {
      const kept = ["--no-recreate", "--no-deps", "--no-build"];
      const words = ["up", "-d", ...kept, "--scale", `${service}=${replicas}`, "--", service];
      const outcome = await run(project, words, scaleMs);
      // Some of its containers may have been started before it failed.
      outputOf(outcome, `scale ${service} of Compose project ${project.name} to ${replicas}`, "unclear");
    },
  };
}

function projectArguments({ name, workingDirectory, configFiles }: ComposeProject): string[] {
  return ["-p", name, "--project-directory", workingDirectory, ...configFiles.flatMap((file) => ["-f", file])];
}

function engineVariables({ address, tlsDirectory }: ComposeEngine): Record<string, string> {
  if (tlsDirectory === null) return { DOCKER_HOST: address };
  return { DOCKER_HOST: address, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: tlsDirectory };
}

/** The caller's own variables would name another engine, project or file. */
function inheritedEnvironment(environment: ComposeOptions["environment"]): Record<string, string> {
  const entries = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined || /^(DOCKER|COMPOSE)_/.test(name) ? [] : [[name, value] as const],
  );
  return Object.fromEntries(entries);
}

/** Without it the program itself would seem to be missing. */
async function mustHaveDirectory({ name, workingDirectory }: ComposeProject): Promise<void> {
  const found = await stat(workingDirectory).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (!found) {
    throw new EngineError(
      "refused",
      `the directory of Compose project ${name}, "${workingDirectory}", is not on this machine: it can only be scaled where its files are`,
    );
  }
}

function outputOf(outcome: ToolOutcome, what: string, whenFailed: "refused" | "unclear"): string {
  switch (outcome.kind) {
    case "ended":
      if (outcome.code === 0) return outcome.output;
      throw new EngineError(kindOf(outcome.complaint, whenFailed), `could not ${what}: ${lastWords(outcome)}`);
    case "missing":
      throw new EngineError("unreachable", `could not ${what}: ${outcome.reason}`);
    case "expired":
      throw new EngineError("unclear", `could not ${what}: the tool did not end in time`);
    case "too-long":
      throw new EngineError("unclear", `could not ${what}: the tool printed without end`);
  }
}

function kindOf(complaint: string, otherwise: "refused" | "unclear"): EngineError["kind"] {
  return /couldn't connect to docker daemon|cannot connect to the docker daemon/i.test(complaint)
    ? "unreachable"
    : otherwise;
}

function lastWords({ code, complaint }: Extract<ToolOutcome, { kind: "ended" }>): string {
  const said = cleanText(complaint.slice(-sentenceBytesMax), sentenceBytesMax);
  return said === "" ? `the tool ended with ${code}` : said;
}

function sentence(error: unknown): string {
  return cleanText(error instanceof Error ? error.message : String(error), sentenceBytesMax);
}
