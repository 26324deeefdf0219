import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { cleanText } from "../../model/clean-text.ts";
import { REPORT_VERSION } from "../../model/report.ts";
import type { CommandDefinition } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { CannotWrite } from "../failures.ts";
import { printReport } from "../print-report.ts";
import { withProgress } from "../progress.ts";
import type { StarterFile } from "../starter-files.ts";
import { starterFiles } from "../starter-files.ts";

/** What `heal init --json` prints. */
interface InitReport {
  readonly version: typeof REPORT_VERSION;
  readonly written: readonly string[];
  readonly services: readonly string[];
  readonly notes: readonly string[];
}

export const init: CommandDefinition = {
  name: "init",
  summary: "write a first heal.json and desired-state/, from what runs in Docker and Consul now",
  argument: { form: "[directory]", description: "where to write; here by default", kind: "file" },
  options: [],
  notes: [
    "Swarm services and Compose services that run now are asked for with the number that runs now, so that a first",
    "`heal --dry-run` has nothing to do. No existing file is touched: when one is in the way, nothing is written.",
  ],
  examples: [["heal init", "heal.json and desired-state/services.json in this directory"]],
  async run(context, { words }) {
    const directory = words[0] ?? ".";
    const { services, notes } = await withProgress(
      context,
      "looking at what runs",
      context.wiring.discover(context.choice),
    );
    const starter = starterFiles(services);
    const written = await writeAll(directory, starter.files);
    const report: InitReport = {
      version: REPORT_VERSION,
      written,
      services: starter.services,
      notes: [...notes, ...starter.notes],
    };
    printReport(context, report, text);
    return EXIT.passing;
  },
};

/** All of them or none: what is there already is somebody's work. */
async function writeAll(directory: string, files: readonly StarterFile[]): Promise<readonly string[]> {
  const wanted = files.map(({ path, text }) => ({ path: join(directory, path), text }));
  const taken = wanted.find(({ path }) => existsSync(path));
  if (taken !== undefined) throw new CannotWrite("exists", `${taken.path} is there already; nothing was written`);
  for (const { path, text } of wanted) {
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text, { flag: "wx" });
    } catch (error) {
      throw new CannotWrite("denied", `${path} cannot be written: ${(error as Error).message}`);
    }
  }
  return wanted.map(({ path }) => path);
}

function text({ written, services, notes }: InitReport): string {
  return [
    ...notes.map((note) => cleanText(note, 1_000)),
    ...written.map((path) => `wrote ${relative(".", path)}`),
    "",
    services.length === 0 ? "next: name your services in desired-state/services.json, then" : "next:",
    "  heal validate",
    "  heal --dry-run",
    "",
  ].join("\n");
}
