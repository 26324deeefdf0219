import { expect, it } from "vitest";
import { formatProblem } from "../../src/model/problem.ts";

it("a problem is shown as file, line, column, message and what was expected", () => {
  const place = { file: "live/web.json", line: 3, column: 7, message: 'unknown key "cuont"' };
  expect(formatProblem({ ...place, expected: "count" })).toBe(
    'live/web.json:3:7: unknown key "cuont" (expected count)',
  );
  expect(formatProblem({ ...place, expected: null })).toBe('live/web.json:3:7: unknown key "cuont"');
});
