import { randomUUID } from "node:crypto";
import Docker from "dockerode";
import { realClock } from "../../../src/adapters/clock.ts";
import { type EngineOptions, openEngine, type OpenEngine } from "../../../src/adapters/docker/open-engine.ts";

/** The shared engine of the test machine. */
export function realDockerHost(): string {
  const address = process.env["HEAL_TEST_DOCKER"];
  if (address === undefined || address === "") {
    throw new Error("HEAL_TEST_DOCKER is not set: run through the project `real`");
  }
  return address;
}

export function openRealEngine(options: Partial<EngineOptions> = {}): OpenEngine {
  return openEngine("h1", { address: realDockerHost(), tlsDirectory: null }, { clock: realClock(), ...options });
}

/** The same engine by other hands: plain dockerode. */
export function byHand(): Docker {
  return new Docker({ socketPath: realDockerHost().replace("unix://", "") });
}

export function aName(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}
