import type { EngineError } from "../../../src/ports/engine.ts";
import { aTemplate } from "../../builders/template.ts";
import { listed } from "./answers.ts";

export const creation = {
  name: "heal.live.web.3.2",
  slot: 3,
  environment: { TOKEN: "hunter2hunter2" },
  labels: listed.Labels,
  template: aTemplate("web:1", { environment: { TOKEN: { kind: "consul-key", key: "token" } } }),
};

export const shortDeadlines = {
  listMs: 400,
  inspectMs: 400,
  createMs: 400,
  startMs: 400,
  stopMs: 400,
  removeMs: 400,
  pullMs: 400,
  logsMs: 400,
};

/** Kind and message of the error that a call rejects with; a hang fails the test by its time. */
export async function failure(doing: Promise<unknown>): Promise<string> {
  return doing.then(
    () => "no failure",
    (error: EngineError) => (error.name === "EngineError" ? `${error.kind}: ${error.message}` : String(error)),
  );
}
