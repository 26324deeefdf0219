import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readWatchHint } from "../../src/cli/watch-hint.ts";
import { property } from "../support/property.ts";

const all = { kind: "all" };

describe("what Consul writes to a handler", () => {
  it.each<readonly [string, unknown, unknown]>([
    [
      "service",
      [{ Node: { Node: "h1" }, Service: { ID: "web-1", Service: "web" }, Checks: [] }],
      { kind: "some", services: ["web"] },
    ],
    ["service whose last instance went", [], all],
    [
      "checks of services",
      [
        { CheckID: "a", ServiceName: "web" },
        { CheckID: "b", ServiceName: "api" },
        { CheckID: "c", ServiceName: "web" },
      ],
      { kind: "some", services: ["web", "api"] },
    ],
    [
      "checks, one of them of a node",
      [
        { CheckID: "a", ServiceName: "web" },
        { CheckID: "serfHealth", ServiceName: "" },
      ],
      all,
    ],
    ["services, where the one that vanished is missing", { consul: [], web: ["v1"] }, all],
    ["nodes", [{ Node: "h1", Address: "192.0.2.11" }], all],
    ["keyprefix", [{ Key: "config/x", Value: "eA==" }], all],
    ["keyprefix without keys", null, all],
  ])("of type %s", (_, content, hint) => {
    expect(readWatchHint(JSON.stringify(content))).toEqual(hint);
  });
});

it.each([
  ["nothing", ""],
  ["more than fits", null],
  ["no JSON", "{"],
  ["a name that is too long", JSON.stringify([{ ServiceName: "x".repeat(256) }])],
  ["a name that is no text", '[{"ServiceName":7}]'],
  ["names inherited from nowhere", '[{"__proto__":{"ServiceName":"web"}}]'],
  ["too many names to tell apart", JSON.stringify(Array.from({ length: 1_001 }, (_, n) => ({ ServiceName: `s${n}` })))],
])("%s is a hint for all", (_, text) => {
  expect(readWatchHint(text)).toEqual(all);
});

property([fc.oneof(fc.string(), fc.json())])(
  "no content whatever makes it fail or name what is not a short text",
  (text) => {
    const hint = readWatchHint(text);
    if (hint.kind === "some") expect(hint.services.every((name) => name.length > 0 && name.length <= 255)).toBe(true);
  },
);
