import { assertNever } from "../model/assert-never.ts";
import type { EnvironmentValue, Service } from "../model/service.ts";
import type { Hands, Tools } from "./hands.ts";
import { ActionRefused } from "./hands.ts";

/**
 * The environment of an instance with every reference resolved, at the moment it is started. Values are handed to
 * the engine and to nothing else.
 */
export async function resolveEnvironment(hands: Hands, service: Service): Promise<Readonly<Record<string, string>>> {
  const entries = Object.entries(service.container?.environment ?? {});
  const resolved = await Promise.all(
    entries.map(async ([name, value]) => [name, await resolveValue(hands, name, value)] as const),
  );
  return Object.fromEntries(resolved);
}

/** `name`: what the value is for, for messages. Rejects with `ActionRefused` when it cannot be had. */
export async function resolveValue(
  hands: Pick<Tools, "registry" | "secrets">,
  name: string,
  value: EnvironmentValue,
): Promise<string> {
  switch (value.kind) {
    case "literal":
      return value.value;
    case "consul-key": {
      const text = await hands.registry.readKey(value.key);
      if (text === null) throw new ActionRefused(`${name}: Consul has no key ${value.key}`, "later");
      return text;
    }
    case "file":
      return hands.secrets.file(value.path);
    case "variable": {
      const text = hands.secrets.variable(value.name);
      if (text === null) throw new ActionRefused(`${name}: the variable ${value.name} is not set`, "later");
      return text;
    }
    default:
      return assertNever(value);
  }
}
