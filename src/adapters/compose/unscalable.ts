import { isMap, parseDocument } from "yaml";
import type { ComposeServiceFacts } from "../../ports/compose.ts";

type Fields = Readonly<Record<string, unknown>>;

/** How often aliases may repeat what they stand for, before it is a bomb. */
const aliasesMax = 100;

/**
 * Reads what `config` of the tool printed: the names of the services, and why the one cannot have several containers
 * on one host. Throws an Error when it is not a Compose file.
 */
export function readConfig(text: string, service: string): ComposeServiceFacts {
  // Pretty errors would quote the configuration, secrets and all.
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: false });
  if (document.errors[0] !== undefined) throw new Error(document.errors[0].message);
  const services = document.get("services");
  if (!isMap(services)) throw new Error("it lists no services");
  const found = services.toJS(document, { maxAliasCount: aliasesMax }) as Record<string, unknown>;
  const names = Object.keys(found);
  const fields = Object.hasOwn(found, service) ? found[service] : undefined;
  if (!isFields(fields)) {
    return { services: names, unscalable: `the project has no service ${service} (it has ${names.join(", ")})` };
  }
  const reasons = [onlyBuilt(fields), fixedName(fields), fixedPorts(fields)].filter((reason) => reason !== null);
  return { services: names, unscalable: reasons.length === 0 ? null : reasons.join("; ") };
}

function onlyBuilt(service: Fields): string | null {
  if (filled(service["image"]) || service["build"] === undefined) return null;
  return "it has `build` and no `image`: name the built image so that every container is made from the same one";
}

function fixedName(service: Fields): string | null {
  if (!filled(service["container_name"])) return null;
  return `container_name ${String(service["container_name"])} can be had by one container only: leave it out`;
}

function fixedPorts(service: Fields): string | null {
  const ports = Array.isArray(service["ports"]) ? service["ports"].map(publishedPort) : [];
  const fixed = ports.filter((port) => port !== null);
  if (fixed.length === 0) return null;
  return `host port ${fixed.join(", ")} can be had by one container per host only: publish the container's port alone, or a range`;
}

/** The host port of an entry when it is a single one; null when the engine picks it, also out of a range. */
function publishedPort(entry: unknown): string | null {
  const published = isFields(entry) ? entry["published"] : hostPart(String(entry));
  if (!filled(published)) return null;
  return /^\d+$/.test(String(published)) && String(published) !== "0" ? String(published) : null;
}

/** `8080:80`, `127.0.0.1:8080:80/tcp`, `[::1]:8080:80`; `80` alone and `127.0.0.1::80` name no host port. */
function hostPart(entry: string): string | null {
  const parts = entry
    .replace(/\/\w+$/, "")
    .replace(/^\[[^\]]*\]:/, "")
    .split(":");
  return parts.length < 2 ? null : (parts.at(-2) ?? null);
}

function filled(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
