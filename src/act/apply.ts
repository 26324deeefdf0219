import type { Action, ActionResult, RedisAction } from "../model/action.ts";
import { isRedisAction } from "../model/action.ts";
import { assertNever } from "../model/assert-never.ts";
import type { ServicePlan } from "../model/plan.ts";
import type { Service } from "../model/service.ts";
import { EngineError } from "../ports/engine.ts";
import { RedisError } from "../ports/redis.ts";
import { RegistryError } from "../ports/registry.ts";
import type { Hands, Permit, Tools } from "./hands.ts";
import { ActionRefused, Fenced } from "./hands.ts";
import { performRedis } from "./redis.ts";
import { deregisterInstance, registerInstance } from "./registration.ts";
import { createSwarmService, replaceSwarmTask, scaleComposeService, scaleSwarmService } from "./scale.ts";
import { startInstance } from "./start-instance.ts";
import type { Starts } from "./starts.ts";
import { openStarts } from "./starts.ts";
import { removeInstance, stopInstance } from "./stop-instance.ts";

/** Carries out the plan of one service by a pass's permit and reports what came of each action; never rejects. */
export type Apply = (permit: Permit, service: Service, plan: ServicePlan) => Promise<readonly ActionResult[]>;

/**
 * Waves run one after the other and end at the first that had a failure; what an agent was not told holds up nothing,
 * since one agent that is away must not keep instances elsewhere from being started. The actions of one wave run side
 * by side, with so many starts per host at once. That limit is shared by all services of this process.
 */
export function openApply(tools: Tools, starts: Starts = openStarts(tools.startsPerHost)): Apply {
  return async (permit, service, plan) => {
    const hands: Hands = { ...tools, ...permit, starts };
    const results: ActionResult[] = [];
    let failed = false;
    for (const wave of plan.waves) {
      if (failed) {
        results.push(...wave.map((action) => skipped(action, "an earlier action of the service failed")));
        continue;
      }
      const outcomes = await Promise.all(wave.map((action) => attempt(hands, service, action)));
      results.push(...outcomes);
      failed = outcomes.some((outcome) => outcome.kind !== "done" && !isForAnAgent(outcome.action));
    }
    return results;
  };
}

function isForAnAgent({ kind }: Action): boolean {
  return kind === "register-instance" || kind === "deregister-instance" || kind === "forget-role";
}

async function attempt(hands: Hands, service: Service, action: Action): Promise<ActionResult> {
  const beganMs = hands.clock.steadyMs();
  try {
    if (action.kind !== "start-instance") await hands.writtenDown();
    const outcome = isRedisAction(action)
      ? await performRedis(hands, service, action)
      : { note: await perform(hands, service, action) };
    return { kind: "done", action, tookMs: hands.clock.steadyMs() - beganMs, ...outcome };
  } catch (error) {
    if (error instanceof Fenced) return skipped(action, error.message);
    const tookMs = hands.clock.steadyMs() - beganMs;
    return { kind: "failed", action, tookMs, message: messageOf(error), retry: retryOf(error) };
  }
}

/** Resolves with a note for the history, or null. */
async function perform(hands: Hands, service: Service, action: Exclude<Action, RedisAction>): Promise<string | null> {
  switch (action.kind) {
    case "start-instance":
      return startInstance(hands, service, action);
    case "stop-instance":
      return stopInstance(hands, action);
    case "remove-instance":
      return removeInstance(hands, action);
    case "register-instance":
      return registerInstance(hands, service, action);
    case "deregister-instance":
      return deregisterInstance(hands, action);
    case "create-swarm-service":
      return createSwarmService(hands, service, action);
    case "scale-swarm-service":
      return scaleSwarmService(hands, action);
    case "replace-swarm-task":
      return replaceSwarmTask(hands, action);
    case "scale-compose-service":
      return scaleComposeService(hands, action);
    default:
      return assertNever(action);
  }
}

function skipped(action: Action, reason: string): ActionResult {
  return { kind: "skipped", action, reason };
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isExpected(error) ? error.message : `unexpected ${error.name}: ${error.message}`;
}

function isExpected(error: Error): boolean {
  return [ActionRefused, EngineError, RegistryError, RedisError].some((kind) => error instanceof kind);
}

/** Whether the action certainly did not happen, may have, or never will. */
function retryOf(error: unknown): "later" | "look" | "never" {
  if (error instanceof ActionRefused) return error.retry;
  if (error instanceof EngineError) {
    return error.kind === "unclear" || error.kind === "conflict" || error.kind === "name-taken" ? "look" : "later";
  }
  if (error instanceof RegistryError) return error.kind === "unclear" ? "look" : "later";
  if (error instanceof RedisError) return error.kind === "silent" ? "look" : "later";
  // A bug of ours, wherever it struck: it is said like any failure, and holds up no other service.
  return "look";
}
