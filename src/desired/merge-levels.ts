import type { JsonDocument } from "../json/parse-document.ts";
import type { Finding, JsonPath } from "../json/finding.ts";
import { finding } from "../json/finding.ts";
import { isObject, mergePatch } from "../json/merge-patch.ts";

/** One service as all levels together describe it. */
export interface MergedService {
  readonly value: unknown;
  /** The files that describe it, one of each level at most, the earliest first. */
  readonly chain: readonly JsonDocument[];
}

export interface Merged {
  readonly services: ReadonlyMap<string, MergedService>;
  readonly findings: readonly DocumentFinding[];
}

/** A finding in one file; its path begins at the file's root. */
export interface DocumentFinding extends Finding {
  readonly document: JsonDocument;
  /** The other place, where it takes two to be wrong: the same path in another file. */
  readonly other?: JsonDocument;
}

/** Lays the levels over one another, service by service. Every document holds an object of services. */
export function mergeLevels(levels: readonly (readonly JsonDocument[])[]): Merged {
  const services = new Map<string, MergedService>();
  const findings: DocumentFinding[] = [];
  for (const documents of levels) {
    const definedIn = new Map<string, JsonDocument>();
    for (const document of documents) {
      for (const [name, value] of Object.entries(servicesOf(document))) {
        const path = ["services", name];
        const other = definedIn.get(name);
        if (other === undefined)
          findings.push(...lay(services, name, value, document).map((found) => ({ ...found, document })));
        else findings.push({ ...twice(path), document, other });
        definedIn.set(name, document);
      }
    }
  }
  return { services, findings };
}

function lay(
  services: Map<string, MergedService>,
  name: string,
  value: unknown,
  document: JsonDocument,
): readonly Finding[] {
  const path = ["services", name];
  const earlier = services.get(name);
  if (earlier === undefined) {
    if (value === null) return [nothingToRemove(path)];
    services.set(name, { value, chain: [document] });
    return [];
  }
  if (value === null) {
    services.delete(name);
    return [];
  }
  services.set(name, { value: mergePatch(earlier.value, value), chain: [...earlier.chain, document] });
  return removalsOfNothing(path, earlier.value, value);
}

/** Each `null` of a patch whose key is not there: most likely mistyped, and RFC 7386 alone would pass over it. */
function removalsOfNothing(path: JsonPath, target: unknown, patch: unknown): readonly Finding[] {
  if (!isObject(patch)) return [];
  return Object.entries(patch).flatMap(([key, value]) => {
    const below = isObject(target) && Object.hasOwn(target, key) ? target[key] : undefined;
    if (value === null) return below === undefined ? [nothingToRemove([...path, key])] : [];
    return removalsOfNothing([...path, key], below, value);
  });
}

function nothingToRemove(path: JsonPath): Finding {
  return finding(path, "null removes what an earlier directory sets, but none sets this", "a value, or nothing");
}

function twice(path: JsonPath): Finding {
  return {
    path,
    at: "key",
    message: "the same service is described in",
    expected: "each service in one file of a directory",
  };
}

function servicesOf(document: JsonDocument): Readonly<Record<string, unknown>> {
  const root = isObject(document.value) ? document.value["services"] : undefined;
  return isObject(root) ? root : {};
}
