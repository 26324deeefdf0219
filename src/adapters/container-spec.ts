import type { ContainerTemplate, DockerHealthcheck } from "../model/service.ts";

/** The words that a container's and a Swarm service's specification have in common in the engine's API. */
export const nanosecondsPerMs = 1_000_000;

export function environmentBody(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}

/** `Test` begins with how it is run; a bare command is run as it stands, without a shell. */
export function healthcheckBody(check: DockerHealthcheck) {
  const test = ["CMD", "CMD-SHELL", "NONE"].includes(check.command[0] ?? "") ? [] : ["CMD"];
  return {
    Test: [...test, ...check.command],
    Interval: check.intervalMs * nanosecondsPerMs,
    Timeout: check.timeoutMs * nanosecondsPerMs,
    StartPeriod: check.startPeriodMs * nanosecondsPerMs,
    Retries: check.retries,
  };
}

/**
 * An engine may quote what it was sent. Takes the values that came from secrets' references out of what `send` rejects
 * with, before any of it is cut or wrapped.
 */
export async function hidingSecrets<T>(
  template: ContainerTemplate,
  environment: Readonly<Record<string, string>>,
  send: () => Promise<T>,
): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof Error) {
      const hide = hider(template, environment);
      error.message = hide(error.message);
      // The stack repeats the message, and logs print it.
      error.stack = hide(error.stack ?? "");
    }
    throw error;
  }
}

function hider(template: ContainerTemplate, environment: Readonly<Record<string, string>>): (text: string) => string {
  const secrets = Object.entries(template.environment)
    .filter(([, value]) => value.kind !== "literal")
    .flatMap(([name]) => environment[name] ?? [])
    .filter((value) => value !== "");
  return (text) => secrets.reduce((rest, secret) => rest.replaceAll(secret, "…"), text);
}
