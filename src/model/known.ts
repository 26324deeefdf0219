/**
 * A fact as seen from here: either known, with the time it was seen, or unknown, with the reason.
 * Unknown never means absent: whoever reads one of these must handle both sides.
 */
export type Known<T> =
  | { readonly kind: "known"; readonly value: T; readonly atMs: number }
  | { readonly kind: "unknown"; readonly reason: string };

export function known<T>(value: T, atMs: number): Known<T> {
  return { kind: "known", value, atMs };
}

export function unknown(reason: string): { readonly kind: "unknown"; readonly reason: string } {
  return { kind: "unknown", reason };
}
