import * as fc from "fast-check";

/** Cases of one property: a share in every run of the tests, more with `HEAL_FUZZ_RUNS`. */
const runs = Number(process.env["HEAL_FUZZ_RUNS"] ?? 150);
export const parameters = { numRuns: runs, interruptAfterTimeLimit: Math.max(5_000, runs * 20) };
export const testTimeoutMs = parameters.interruptAfterTimeLimit * 2;

const hostileKeys = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "",
  "a.b",
  "A",
  "\u0000",
  "💥",
  "x".repeat(5_000),
  "$schema",
];
const hostileTexts = [
  "",
  "\u0000",
  "\u202e",
  "{slot}",
  "..",
  "/",
  "-1",
  "NaN",
  "10s",
  "0s",
  "99999999999999999999s",
  "1e999",
  "\ud83d",
  "a\nb",
  "x".repeat(70_000),
];

const key = fc.oneof(fc.constantFrom(...hostileKeys), fc.string({ maxLength: 10 }));

/** Values that JSON can hold and nobody meant. */
export const garbage: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, false, 0, -0, -1, 1.5, 1e308, 5e-324, 2 ** 53, [], {}),
    fc.constantFrom(...hostileTexts),
    fc.string({ maxLength: 20 }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map(objectOf),
  ),
})).value;

/** A valid document with some of its parts replaced, removed or added. */
export function mutated(document: unknown): fc.Arbitrary<unknown> {
  const strokes = fc.array(fc.tuple(fc.nat(), fc.constantFrom("replace", "remove", "add"), key, garbage), {
    minLength: 1,
    maxLength: 4,
  });
  return strokes.map((list) =>
    list.reduce<unknown>((value, [at, stroke, name, other]) => strike(value, at, stroke, name, other), document),
  );
}

/** The bytes of a text with some of them changed, cut off or repeated. */
export function torn(text: string): fc.Arbitrary<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const stroke = fc.tuple(
    fc.nat({ max: bytes.length - 1 }),
    fc.constantFrom("cut", "flip", "repeat", "insert"),
    fc.nat({ max: 255 }),
  );
  return fc.array(stroke, { minLength: 1, maxLength: 4 }).map((list) =>
    list.reduce<Uint8Array>((now, [at, kind, byte]) => {
      const place = Math.min(at, now.length);
      if (kind === "cut") return now.slice(0, place);
      if (kind === "insert") return Uint8Array.from([...now.slice(0, place), byte, ...now.slice(place)]);
      if (kind === "repeat") return Uint8Array.from([...now.slice(0, place), ...now.slice(Math.max(0, place - byte))]);
      return now.map((old, index) => (index === place ? byte : old));
    }, bytes),
  );
}

function strike(document: unknown, at: number, stroke: string, name: string, other: unknown): unknown {
  const places = placesOf(document, []);
  const path = places[at % places.length] ?? [];
  return changed(document, path, (old) => {
    if (stroke === "add" && typeof old === "object" && old !== null && !Array.isArray(old))
      return objectOf([...Object.entries(old), [name, other]]);
    return stroke === "remove" ? gone : other;
  });
}

const gone = Symbol("gone");

function changed(value: unknown, path: readonly string[], change: (old: unknown) => unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) {
    const now = change(value);
    return now === gone ? null : now;
  }
  const entries = Object.entries(value as object).flatMap(([key, old]): [string, unknown][] => {
    if (key !== step) return [[key, old]];
    if (rest.length > 0) return [[key, changed(old, rest, change)]];
    const now = change(old);
    return now === gone ? [] : [[key, now]];
  });
  return Array.isArray(value) ? entries.map(([, item]) => item) : objectOf(entries);
}

function placesOf(value: unknown, path: readonly string[]): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => placesOf(item, [...path, key]))];
}

/** An object that has even `__proto__` as a key of its own, as JSON.parse makes them. */
function objectOf(entries: readonly (readonly [string, unknown])[]): object {
  const object = {};
  for (const [name, value] of entries) {
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return object;
}
