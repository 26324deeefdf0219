import type { FoundService } from "./wiring-types.ts";

export interface StarterFile {
  /** Relative to the directory that is written to. */
  readonly path: string;
  readonly text: string;
}

export interface Starter {
  readonly files: readonly StarterFile[];
  /** Names of the services that are asked for. */
  readonly services: readonly string[];
  /** What could not be taken over, and why. */
  readonly notes: readonly string[];
}

/**
 * A first heal.json and desired state that ask for what runs now, so that taking heal into use changes nothing. With
 * nothing to adopt the desired state holds no service.
 */
export function starterFiles(found: readonly FoundService[]): Starter {
  const services: Record<string, unknown> = {};
  const notes: string[] = [];
  for (const one of found) {
    const name = nameFor(one, found);
    if (name === "" || Object.hasOwn(services, name)) {
      notes.push(`${whole(one)} is left out, its name is taken: name it in desired-state/services.json with "adopt"`);
      continue;
    }
    services[name] = { count: one.running, ...adoption(one, name) };
  }
  return {
    files: [
      { path: "heal.json", text: json({ $schema: settingsSchema, environments: { default: {} } }) },
      { path: "desired-state/services.json", text: json({ $schema: desiredSchema, services }) },
    ],
    services: Object.keys(services),
    notes,
  };
}

const settingsSchema = "https://heal.example/schema/settings.v1.json";
const desiredSchema = "https://heal.example/schema/desired-state.v1.json";
/** A project with one service is called by its own name, one with several by both; in the letters that names may have. */
function nameFor(one: FoundService, found: readonly FoundService[]): string {
  const siblings = found.filter(({ runtime, name }) => runtime === "compose" && name === one.name);
  const full = one.runtime === "swarm" || siblings.length === 1 ? one.name : `${one.name}-${one.composeService ?? ""}`;
  const plain = full.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return plain.slice(0, nameLengthMax).replace(/^-|-$/g, "");
}

const nameLengthMax = 63;

/** What the file must say for heal to find it; nothing where the service's own name does. */
function adoption(one: FoundService, name: string): object {
  if (name === one.name) return { runtime: one.runtime };
  const adopt =
    one.runtime === "swarm"
      ? { swarmService: one.name }
      : { composeProject: one.name, ...(one.composeService === null ? {} : { composeService: one.composeService }) };
  return { runtime: one.runtime, adopt };
}

function whole({ runtime, name, composeService }: FoundService): string {
  return composeService === null ? `${runtime} ${name}` : `${runtime} ${name}/${composeService}`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
