/**
 * Which services a Consul watch handler was called for. The content is a hint and nothing more: whatever it holds, all
 * it can do is to name services that are looked at again. `all`: it does not say, so any may be concerned.
 */
export type WatchHint = { readonly kind: "all" } | { readonly kind: "some"; readonly services: readonly string[] };

/** More than Consul ever hands to a handler of a fleet of ten thousand instances. */
export const hintBytesMax = 64 * 1024 * 1024;

/**
 * Reads what Consul writes on a handler's standard input, by the shape of each watch type:
 * - `service`: a list with `Service.Service`; when the last instance goes it is empty, and names nobody;
 * - `checks`: a list with `ServiceName`, which is empty for a check of a whole node;
 * - `services`: names with their tags, and the one that vanished is just what is missing there;
 * - `nodes`, `keyprefix`, `key`, `event`: about no service in particular.
 * Null, text that is no JSON and any other shape are hints for all.
 */
export function readWatchHint(text: string | null): WatchHint {
  const content = parsed(text);
  if (!Array.isArray(content) || content.length === 0) return { kind: "all" };
  const names = new Set<string>();
  for (const item of content as readonly unknown[]) {
    const name = nameIn(item);
    if (name === null || names.size >= namesMax) return { kind: "all" };
    names.add(name);
  }
  return { kind: "some", services: [...names] };
}

/** From here on looking at everything is cheaper than telling services apart. */
const namesMax = 1_000;
const nameLengthMax = 255;

function parsed(text: string | null): unknown {
  try {
    return text === null ? null : (JSON.parse(text) as unknown);
  } catch {
    return null;
  }
}

function nameIn(item: unknown): string | null {
  const name = field(field(item, "Service"), "Service") ?? field(item, "ServiceName");
  return typeof name === "string" && name !== "" && name.length <= nameLengthMax ? name : null;
}

function field(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;
}
