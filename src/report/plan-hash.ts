import { createHash } from "node:crypto";
import type { Action } from "../model/action.ts";
import type { Plan } from "../model/plan.ts";

/**
 * Names what a plan does: its actions, their order and what they are about, and not why, when or how things stand.
 * Twelve hexadecimal digits, for a person to copy.
 */
export function planHash(plan: Plan): string {
  const essence = Object.keys(plan.services)
    .sort()
    .map((name) => plan.services[name]?.waves.map((wave) => wave.map(withoutBecause)) ?? []);
  return createHash("sha256").update(canonical(essence)).digest("hex").slice(0, 12);
}

function withoutBecause(action: Action): unknown {
  return { ...action, because: undefined };
}

/** JSON with sorted keys, so that equal plans have equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
