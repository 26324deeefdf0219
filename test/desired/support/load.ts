import { formatProblem } from "../../../src/model/problem.ts";
import type { DesiredState } from "../../../src/model/service.ts";
import { loadDesiredState } from "../../../src/desired/load-desired-state.ts";
import type { DesiredStateOptions } from "../../../src/desired/load-desired-state.ts";
import { memoryFiles } from "./memory-files.ts";

export const options: DesiredStateOptions = {
  environment: "test",
  desiredState: ["/state"],
  hosts: { h1: {}, h2: {} },
  alerts: { routes: { default: {}, "shop-team": {} } },
  policy: { allow: [] },
  baseDirectory: "/base",
};

type Contents = Readonly<Record<string, string | Uint8Array>>;

/** Loads files given as text; fails the test when they are not valid. */
export async function loadValid(contents: Contents, changes: Partial<DesiredStateOptions> = {}): Promise<DesiredState> {
  const loaded = await loadDesiredState(memoryFiles(contents), { ...options, ...changes });
  if (loaded.kind === "invalid") throw new Error(loaded.problems.map(formatProblem).join("\n"));
  return loaded.desired;
}

/** The problems of files given as text, as a person sees them; none when they are valid. */
export async function problemsOf(
  contents: Contents,
  changes: Partial<DesiredStateOptions> = {},
): Promise<readonly string[]> {
  const loaded = await loadDesiredState(memoryFiles(contents), { ...options, ...changes });
  return loaded.kind === "valid" ? [] : loaded.problems.map(formatProblem);
}

/** One file with one service called `web`, written over several lines. */
export function webFile(service: unknown): Contents {
  return { "/state/web.json": JSON.stringify({ services: { web: service } }, null, 2) };
}
