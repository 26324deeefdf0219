import { cleanText } from "../../model/clean-text.ts";
import type { Delivery } from "../../ports/notifier.ts";
import type { Answer } from "./post.ts";

export const taken: Delivery = { kind: "taken" };

/** Trying again may help. */
export function later(reason: string, retryAfterMs: number | null = null): Delivery {
  return { kind: "failed", reason: cleanText(reason, 200), retryAfterMs, permanent: false };
}

/** Trying the same again will not help soon. */
export function refused(reason: string): Delivery {
  return { kind: "failed", reason: cleanText(reason, 200), retryAfterMs: null, permanent: true };
}

/**
 * What the HTTP status says: a delivery that did not succeed, or null when it was a success by status and the body
 * decides.
 */
export function byStatus(answer: Answer): Delivery | null {
  if (answer.kind === "failed") return answer.permanent ? refused(answer.reason) : later(answer.reason);
  const { status, quoted, retryAfterMs } = answer;
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400) return refused(`it redirects elsewhere (HTTP ${status}), which is not followed`);
  const reason = quoted.trim() === "" ? `HTTP ${status}` : `HTTP ${status}: ${quoted}`;
  const passing = status === 408 || status === 425 || status === 429 || status >= 500 || status < 200;
  return passing ? later(reason, retryAfterMs) : refused(reason);
}

/** The object in an answer's body, or null when there is none. */
export function jsonOf(body: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** How a messenger's robot says in the body what became of a message; its status is 200 whatever happened. */
export interface RobotAnswers {
  /** Field of the number that is 0 when all went well, the first one present. */
  readonly codeFields: readonly string[];
  readonly textFields: readonly string[];
  /** Numbers after which trying again helps, with how long to wait. */
  readonly passing: Readonly<Record<number, number | null>>;
}

export function byRobot(answer: Answer, robot: RobotAnswers): Delivery {
  const json = answer.kind === "answered" ? jsonOf(answer.body) : null;
  const code =
    json === null ? undefined : robot.codeFields.map((name) => json[name]).find((value) => typeof value === "number");
  if (answer.kind === "failed" || json === null || code === undefined) {
    return byStatus(answer) ?? later("it answered something that is not a robot's answer");
  }
  const statusSays = byStatus(answer);
  if (code === 0) return statusSays ?? taken;
  const text = jsonOf(answer.quoted);
  const said = robot.textFields.map((name) => text?.[name]).find((value) => typeof value === "string") ?? "";
  const reason = `error ${String(code)}: ${String(said)}`;
  const waitMs = robot.passing[Number(code)];
  if (waitMs !== undefined) return later(reason, waitMs ?? answer.retryAfterMs);
  return statusSays?.kind === "failed" && !statusSays.permanent ? later(reason, answer.retryAfterMs) : refused(reason);
}
