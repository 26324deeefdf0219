/** Ends a switch over a discriminated union, so that a new member fails to compile instead of falling through. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
