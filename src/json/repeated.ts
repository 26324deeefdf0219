/**
 * Where a text stands in a list for the second time; -1 when each stands there once. Other values are not compared:
 * they are wrong already, and comparing what somebody else made may run into a key such as `toString`.
 */
export function repeatedAt(list: readonly unknown[]): number {
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    if (typeof item !== "string") continue;
    if (seen.has(item)) return index;
    seen.add(item);
  }
  return -1;
}
