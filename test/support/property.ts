import * as fc from "fast-check";
import { it } from "vitest";

/**
 * A test that holds for whatever is drawn, written as `it.each` is: `property([fc.nat()])("is …", (n) => …)`. What fails
 * is told with the seed and the smallest example that fast-check found.
 */
export function property<Drawn extends [unknown, ...unknown[]]>(
  arbitraries: { readonly [K in keyof Drawn]: fc.Arbitrary<Drawn[K]> },
  parameters: fc.Parameters<Drawn> = {},
) {
  return (name: string, holds: (...drawn: Drawn) => void | Promise<void>, timeoutMs?: number): void => {
    const drawn = fc.asyncProperty(...arbitraries, async (...values: Drawn) => await holds(...values));
    it(name, () => fc.assert(drawn, parameters), timeoutMs);
  };
}
