import { LABEL } from "../../model/labels.ts";
import type { EngineEvent } from "../../ports/engine.ts";
import type { EngineClock } from "./engine-clock.ts";
import { COMPOSE_LABEL, SWARM_LABEL } from "./parse-container.ts";
import { asNumber, asOptional, asRecord, asText, asTextMap } from "../answer.ts";

const kinds: Readonly<Record<string, EngineEvent["kind"]>> = {
  start: "started",
  die: "died",
  destroy: "removed",
  pause: "paused",
  unpause: "unpaused",
  health_status: "health",
  rename: "changed",
  update: "changed",
};

/**
 * What the engine is asked for. Its filters join label values by "and", so that ours, Compose's and Swarm's cannot be
 * asked for at once: labels are left to `parseEvent`, and the noise (`exec_*` at every health check) to the engine.
 * A creation is no event: its start follows, and what never starts is found by the next list.
 */
export const eventFilters: { type: ["container"]; event: string[] } = {
  type: ["container"],
  event: Object.keys(kinds),
};

/** An event about a container of interest, or null. Throws `UnreadableAnswer` naming the field. */
export function parseEvent(value: unknown, clock: EngineClock): EngineEvent | null {
  const event = asRecord(value, "event");
  const action = asText(event["Action"], "event.Action");
  const [name = "", detail] = action.split(": ");
  const kind = kinds[name];
  if (event["Type"] !== "container" || kind === undefined) return null;
  const actor = asRecord(event["Actor"], "event.Actor");
  const attributes = asTextMap(actor["Attributes"], "event.Actor.Attributes");
  if (!isOfInterest(attributes)) return null;
  const exitCode = Number(attributes["exitCode"] ?? Number.NaN);
  const engineMs =
    asOptional(event["timeNano"], "event.timeNano", asNumber) ?? asNumber(event["time"], "event.time") * 1_000_000_000;
  return {
    kind,
    containerId: asText(actor["ID"], "event.Actor.ID"),
    name: attributes["name"] ?? "",
    labels: attributes,
    exitCode: Number.isInteger(exitCode) ? exitCode : null,
    health: detail === "starting" || detail === "healthy" || detail === "unhealthy" ? detail : null,
    atMs: Math.round(clock.toOurs(engineMs / 1_000_000)),
  };
}

/** Containers that nobody can have adopted may come and go without a word. */
function isOfInterest(attributes: Readonly<Record<string, string>>): boolean {
  return [LABEL.environment, COMPOSE_LABEL.project, SWARM_LABEL.serviceName].some(
    (label) => attributes[label] !== undefined,
  );
}
