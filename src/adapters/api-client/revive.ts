import type { ErrorReport } from "../../model/report.ts";
import { ControllerError, InvalidInput, NotLeader, PlanChanged, UnknownService } from "../../ports/controller.ts";
import type { Answered } from "./ask.ts";

/** Turns the daemon's answer that something failed back into the error that the controller rejected with there. */
export function revive({ status, body }: Answered): Error {
  const error = errorIn(body);
  if (error === null) return new ControllerError("unclear", `the daemon answered ${status} without saying why`);
  switch (error.code) {
    case "plan-changed":
      return new PlanChanged(error.expected ?? "", error.actual ?? "");
    case "not-leader":
      return new NotLeader(error.message, error.advice ?? undefined);
    case "unknown-service":
      return new UnknownService(error.service ?? "", error.suggestion ?? null);
    case "configuration":
      return new InvalidInput(error.message, error.problems ?? []);
    case "denied":
      return new ControllerError("denied", error.message);
    case "usage":
      return new ControllerError("mistaken", error.message);
    default:
      return new ControllerError("refused", error.message);
  }
}

function errorIn(body: unknown): ErrorReport["error"] | null {
  if (typeof body !== "object" || body === null || !("error" in body)) return null;
  const { error } = body;
  const isError = typeof error === "object" && error !== null && "code" in error && "message" in error;
  return isError ? (error as ErrorReport["error"]) : null;
}
