/** The same object where nothing changes, so that nothing is written for nothing. */
export function withChanges<T extends object>(before: T, changes: Partial<T>): T {
  const keys = Object.keys(changes) as (keyof T)[];
  return keys.every((key) => before[key] === changes[key]) ? before : { ...before, ...changes };
}

export function sameEntries(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(b);
  return keys.length === Object.keys(a).length && keys.every((key) => Object.hasOwn(a, key) && a[key] === b[key]);
}
