import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatProblem } from "../../src/model/problem.ts";
import { load, shop, shopVariables } from "../settings/support.ts";
import { garbage, mutated, parameters, testTimeoutMs, torn } from "./support.ts";

const text = shop["/shop/heal.json"];
const example: unknown = JSON.parse(text);

describe("a settings file", () => {
  it(
    "of any JSON, bytes or mistakes is valid or wrong at a place, and shows no secret",
    async () => {
      const written = fc
        .oneof(garbage, fc.jsonValue(), mutated(example), mutated(example))
        .map((value) => JSON.stringify(value));
      const bytes = torn(text).map((torn) => new TextDecoder().decode(torn));
      await fc.assert(
        fc.asyncProperty(fc.oneof(written, written, bytes), async (file) => {
          const loaded = await load({ ...shop, "/shop/heal.json": file }, { variables: shopVariables });
          const told = loaded.kind === "valid" ? loaded.warnings : loaded.problems;
          if (loaded.kind === "invalid") expect(told.length).toBeGreaterThan(0);
          for (const { line, column } of told) expect(Math.min(line, column)).toBeGreaterThanOrEqual(1);
          expect(JSON.stringify(loaded) + told.map(formatProblem).join()).not.toMatch(/b1gs33cr3t|SEC1|access_token/);
        }),
        parameters,
      );
    },
    testTimeoutMs,
  );

  it(
    "is read beside any environment variables",
    async () => {
      const names = [
        "CONSUL_HTTP_ADDR",
        "CONSUL_HTTP_SSL",
        "CONSUL_HTTP_TOKEN",
        "CONSUL_HTTP_TOKEN_FILE",
        "CONSUL_CACERT",
        "DOCKER_HOST",
        "DOCKER_CERT_PATH",
        "DOCKER_TLS_VERIFY",
        "HEAL_ENV",
        "XDG_RUNTIME_DIR",
      ];
      const variables = fc.dictionary(
        fc.constantFrom(...names),
        fc.oneof(
          fc.string(),
          fc
            .tuple(fc.constantFrom("http", "https", "tcp", "smtp"), fc.string({ maxLength: 20 }))
            .map((parts) => parts.join("://")),
          fc.constantFrom("http://h:1/p?q#f", "unix:///x", "tcp://h:1", "ssh://a@b", "true", "/shop/sms.liquid"),
        ),
      );
      await fc.assert(
        fc.asyncProperty(variables, async (variables) => {
          const { "/shop/heal.json": _none, ...others } = shop;
          const loaded = await load(others, { variables });
          if (loaded.kind === "valid") return;
          expect(loaded.problems.every(({ file }) => /^\$|^heal\.json$/.test(file))).toBe(true);
        }),
        parameters,
      );
    },
    testTimeoutMs,
  );
});
