import type { CheckReport } from "../../model/report.ts";
import { REPORT_VERSION } from "../../model/report.ts";
import { ControllerError } from "../../ports/controller.ts";
import type { Terminal } from "../../ports/terminal.ts";
import { checkText } from "../../report/present/check-text.ts";
import { jsonText } from "../../report/present/json-text.ts";
import type { SettingsChoice } from "../wiring-types.ts";
import { hintBytesMax, readWatchHint } from "../watch-hint.ts";
import { quickArguments } from "./quick-arguments.ts";
import type { QuickArguments } from "./quick-arguments.ts";

/** Asks the daemon behind a socket; rejects with `ControllerError`. */
export type QuickAsk = (
  socketPath: string,
  question: {
    readonly method: "GET" | "POST";
    readonly path: string;
    readonly body?: unknown;
    readonly timeoutMs: number;
  },
) => Promise<{ readonly status: number; readonly body: unknown }>;

export interface QuickDeps {
  readonly terminal: Terminal;
  readonly ask: QuickAsk;
  /** Where the daemon's socket is; null when only the settings proper can tell. */
  readonly locate: (choice: SettingsChoice) => { readonly socketPath: string } | null;
}

/**
 * `heal check` and `heal watch` with a daemon that answers: the cost of one request and nothing else, since Consul runs
 * them every few seconds for every service. Resolves to the exit code; to null when the ordinary way must be taken.
 */
export async function quick(argv: readonly string[], deps: QuickDeps): Promise<number | null> {
  const given = quickArguments(argv);
  const place = given === null ? null : deps.locate(given.choice);
  if (given === null || place === null) return null;
  try {
    return given.command === "check" ? await check(given, place.socketPath, deps) : await watch(place.socketPath, deps);
  } catch (error) {
    if (error instanceof ControllerError) return null;
    throw error;
  }
}

async function check({ service, json }: QuickArguments, socketPath: string, deps: QuickDeps): Promise<number | null> {
  const query = service === null ? "" : `?service=${encodeURIComponent(service)}`;
  const question = { method: "GET", path: `/api/v1/check${query}`, timeoutMs: patienceMs } as const;
  const { status, body } = await deps.ask(socketPath, question);
  if (status !== 200 || !isCheckReport(body)) return null;
  deps.terminal.out(json ? jsonText(body) : checkText(body));
  return body.status;
}

async function watch(socketPath: string, { ask, terminal }: QuickDeps): Promise<number | null> {
  if (terminal.inputIsTerminal) return null;
  const hint = readWatchHint(await terminal.readInput(hintBytesMax));
  const services = hint.kind === "all" ? [] : hint.services;
  const question = { method: "POST", path: "/api/v1/nudge", body: { services }, timeoutMs: patienceMs } as const;
  const { status } = await ask(socketPath, question);
  return status < 300 ? 0 : null;
}

/** A daemon answers these from memory. One that does not within this time is stopped or stuck. */
const patienceMs = 3_000;

function isCheckReport(body: unknown): body is CheckReport {
  const report = body as Partial<CheckReport> | null;
  return (
    report?.version === REPORT_VERSION && Array.isArray(report.services) && [0, 1, 2, 3].includes(report.status ?? -1)
  );
}
