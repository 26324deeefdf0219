import { describe, expect, it } from "vitest";
import { alertRows } from "../../../src/report/alerts/list.ts";
import { addSilence } from "../../../src/report/alerts/state.ts";
import { aCondition, HOUR, MINUTE, rules, SECOND } from "./builders.ts";
import { aRun } from "./run.ts";

describe("the list of alerts", () => {
  it("has what holds first, then the most urgent, with what each channel knows and does not take", () => {
    const run = aRun();
    run.deaf.add("sms");
    const warning = aCondition("live/surplus/api", { severity: "warning" });
    run.holding = [warning, aCondition("live/below-count/web")];
    run.during(MINUTE);
    run.holding = [...run.holding, aCondition("live/below-count/new")];
    run.after(SECOND);
    run.holding = run.holding.slice(1);
    run.after(SECOND);
    const rows = alertRows(run.state, run);
    expect(rows.map(({ key, state }) => `${state} ${key}`)).toEqual([
      "firing live/below-count/web",
      "clearing live/surplus/api",
      "pending live/below-count/new",
    ]);
    expect(rows[0]?.channels).toEqual([
      { name: "mail", knows: "firing", owed: null },
      { name: "sms", knows: null, owed: { state: "firing", failure: "connection refused" } },
      { name: "chat", knows: "firing", owed: null },
    ]);
  });

  it("says why nobody is told", () => {
    const quietHours = { fromMinute: 0, toMinute: 1_439, timezone: "UTC" };
    const run = aRun(rules({ quietHours }));
    run.state = addSilence(run.state, { subject: "web", forMs: HOUR, why: "", by: "" }, run);
    run.holding = [
      aCondition("live/below-count/web"),
      aCondition("live/surplus/api", { severity: "warning" }),
      aCondition("live/below-count/db"),
    ];
    run.during(MINUTE);
    expect(alertRows(run.state, run).map(({ key, hushed }) => [key, hushed])).toEqual([
      ["live/below-count/db", null],
      ["live/below-count/web", "silenced"],
      ["live/surplus/api", "quiet hours"],
    ]);
  });
});
