import type { ErrorReport } from "../../model/report.ts";
import { REPORT_VERSION } from "../../model/report.ts";
import {
  ControllerError,
  InUse,
  InvalidInput,
  NotLeader,
  PlanChanged,
  UnknownService,
} from "../../ports/controller.ts";
import { EngineError } from "../../ports/engine.ts";
import { RegistryError } from "../../ports/registry.ts";

/** What a failure is called in JSON, what to say of it and what to do; null for one that only a bug can explain. */
export function errorReport(error: unknown): ErrorReport | null {
  const explained = explain(error);
  return explained === null ? null : { version: REPORT_VERSION, error: explained };
}

function explain(error: unknown): ErrorReport["error"] | null {
  if (error instanceof UnknownService) {
    const { message, service, suggestion } = error;
    const advice = suggestion === null ? "`heal status` lists those that are desired" : `did you mean ${suggestion}?`;
    return { code: "unknown-service", message, advice, service, suggestion };
  }
  if (error instanceof PlanChanged) {
    const { message, expected, actual } = error;
    return { code: "plan-changed", message, advice: null, expected, actual };
  }
  if (error instanceof NotLeader) {
    return { code: "not-leader", message: error.message, advice: error.advice };
  }
  if (error instanceof InvalidInput) {
    const advice = "correct what is named; `heal validate` tells whether all is well";
    return { code: "configuration", message: error.message, advice, problems: error.problems };
  }
  if (error instanceof InUse) return { code: "exists", message: error.message, advice: null };
  if (error instanceof ControllerError) return controllerError(error);
  if (error instanceof RegistryError) {
    return { code: "unavailable", message: `Consul: ${error.message}`, advice: "see consul.address in heal.json" };
  }
  if (error instanceof EngineError) {
    return { code: "unavailable", message: `Docker: ${error.message}`, advice: "see hosts in heal.json" };
  }
  return null;
}

function controllerError({ kind, message }: ControllerError): ErrorReport["error"] {
  switch (kind) {
    case "denied":
      return { code: "denied", message, advice: "ask as the daemon's own user or root, or with server.token" };
    case "absent":
      return { code: "unavailable", message, advice: "start it with `heal run`" };
    case "silent":
    case "unclear":
      return { code: "unavailable", message, advice: "`heal status` shows what became of it" };
    case "refused":
      return { code: "unavailable", message, advice: null };
    case "mistaken":
      return { code: "usage", message, advice: null };
  }
}
