import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { acceptNewDesiredState } from "../../src/desired/accept.ts";
import { normaliseService } from "../../src/desired/normalise.ts";
import type { DesiredState } from "../../src/model/service.ts";
import { property } from "../support/property.ts";

describe("a new desired state", () => {
  it("is accepted when there was none", () => {
    expect(acceptNewDesiredState(null, state({}))).toEqual({ kind: "accept" });
  });

  it("is accepted when services come, change and a few go", () => {
    expect(acceptNewDesiredState(state({ a: 1, b: 1, c: 1, d: 1 }), state({ a: 5, b: 1, e: 3 })).kind).toBe("accept");
  });

  it("needs confirmation when every service has vanished, be it a single one", () => {
    expect(acceptNewDesiredState(state({ web: 3 }), state({}))).toEqual({
      kind: "needs-confirmation",
      reason: "all 1 services have vanished from the desired state",
      removed: ["web"],
      confirm: state({}).hash,
    });
  });

  it("needs confirmation when every service has given way to others, as in a wrong checkout", () => {
    expect(acceptNewDesiredState(state({ a: 1, b: 1 }), state({ c: 1, d: 1 }))).toMatchObject({ removed: ["a", "b"] });
  });

  it("needs confirmation when more than half of four or more vanish or are set to 0", () => {
    const last = state({ d: 1, c: 1, b: 1, a: 1 });
    expect(acceptNewDesiredState(last, state({ a: 1, b: 0 }))).toMatchObject({
      kind: "needs-confirmation",
      reason: "3 of 4 services have vanished or been set to 0 at once",
      removed: ["b", "c", "d"],
    });
    expect(acceptNewDesiredState(last, state({ a: 1, b: 1 }))).toEqual({ kind: "accept" });
  });

  it("is accepted when a single service is set to 0, which is a wish like any other", () => {
    expect(acceptNewDesiredState(state({ web: 3 }), state({ web: 0 }))).toEqual({ kind: "accept" });
  });

  it("is accepted when services vanish that were at 0 anyway", () => {
    expect(acceptNewDesiredState(state({ a: 0, b: 0, c: 0, d: 0 }), state({}))).toEqual({ kind: "accept" });
  });

  it("is accepted once it is confirmed, and only that very one", () => {
    const [last, next] = [state({ web: 3 }), state({})];
    expect(acceptNewDesiredState(last, next, next.hash)).toEqual({ kind: "accept" });
    expect(acceptNewDesiredState(last, next, "another").kind).toBe("needs-confirmation");
  });

  const states = fc.dictionary(fc.stringMatching(/^[a-f]$/), fc.nat({ max: 2 })).map(state);
  property([states])("is accepted when it is the same", (same) => {
    expect(acceptNewDesiredState(same, same)).toEqual({ kind: "accept" });
  });

  property([states, states])("never takes away all there was without confirmation", (last, next) => {
    const wanted = Object.values(last.services).filter(({ count }) => count > 0);
    fc.pre(wanted.length > 0 && wanted.every(({ name }) => next.services[name] === undefined));
    expect(acceptNewDesiredState(last, next).kind).toBe("needs-confirmation");
  });
});

function state(counts: Readonly<Record<string, number>>): DesiredState {
  const services = Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [name, normaliseService(name, { count })]),
  );
  return { environment: "test", services, sources: {}, hash: JSON.stringify(counts) };
}
