/**
 * A value that must reach no log, metric, page or message. However it is printed (template, JSON, `console.log`) it
 * reads `[secret]`; only `reveal()` gives what it holds, so that a search for that word finds every use.
 */
export interface Secret {
  readonly kind: "secret";
  reveal(): string;
  toString(): string;
  toJSON(): string;
}

const shown = "[secret]";

export function secret(value: string): Secret {
  const show = (): string => shown;
  return Object.freeze({
    kind: "secret",
    reveal: () => value,
    toString: show,
    toJSON: show,
    [Symbol.toPrimitive]: show,
    [Symbol.for("nodejs.util.inspect.custom")]: show,
  });
}
