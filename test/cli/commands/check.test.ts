import { describe, expect, it } from "vitest";
import { ControllerError, InvalidInput } from "../../../src/ports/controller.ts";
import { EngineError } from "../../../src/ports/engine.ts";
import { RegistryError } from "../../../src/ports/registry.ts";
import { fakeController } from "../support/fake-controller.ts";
import { aServiceReport, aStatusReport } from "../support/reports.ts";
import { runHeal } from "../support/run-heal.ts";
import { aStanding } from "../../builders/standing.ts";

const web = aStanding("web", { status: 2, healthy: 1, summary: "1/3 healthy: 2 missing" });

it("one service is one line, and its status the exit code", async () => {
  const daemon = fakeController({ status: async () => aStatusReport([aServiceReport(web)]) });
  const { code, out, err } = await runHeal(["check", "web"], { daemon });
  expect([code, out, err]).toEqual([2, "web CRITICAL 1/3 healthy: 2 missing\n", ""]);
  expect(daemon.calls).toEqual([["status", ["web"]]]);
});

it("all services are told with the worst last, and the worst is the exit code", async () => {
  const standings = [
    aStanding("z", { status: 3, summary: "cannot tell: no leader" }),
    web,
    aStanding("b"),
    aStanding("a"),
  ];
  const daemon = fakeController({ status: async () => aStatusReport(standings.map((one) => aServiceReport(one))) });
  const { code, out } = await runHeal(["check"], { daemon });
  expect([code, out]).toEqual([
    3,
    "a PASSING 3/3 healthy\nb PASSING 3/3 healthy\nweb CRITICAL 1/3 healthy: 2 missing\nz UNKNOWN cannot tell: no leader\n",
  ]);
});

it("says it when nothing is desired", async () => {
  const daemon = fakeController({ status: async () => aStatusReport([]) });
  expect(await runHeal(["check"], { daemon })).toMatchObject({
    code: 0,
    out: "no services are desired in the environment live\n",
  });
});

it("gives the same as JSON", async () => {
  const daemon = fakeController({ status: async () => aStatusReport([aServiceReport(web)]) });
  const { out } = await runHeal(["check", "--json"], { daemon });
  expect(JSON.parse(out)).toEqual({
    version: 1,
    environment: "live",
    status: 2,
    services: [{ service: "web", status: 2, summary: "1/3 healthy: 2 missing" }],
  });
});

describe("who cannot see says that it cannot tell", () => {
  it.each([
    new ControllerError("denied", "this user may not use the socket"),
    new RegistryError("unreachable", "connect ECONNREFUSED 127.0.0.1:8500"),
    new EngineError("unreachable", "connect ENOENT /var/run/docker.sock"),
  ])("$name", async (trouble) => {
    const { code, out } = await runHeal(["check", "web"], {
      wiring: { openOneShot: async () => Promise.reject(trouble) },
    });
    expect([code, out]).toEqual([3, `web UNKNOWN cannot tell: ${trouble.message}\n`]);
  });
});

it("a service that is not desired, and files that are wrong, are no status", async () => {
  expect(await runHeal(["check", "wbe"])).toMatchObject({
    code: 64,
    out: "",
    err: expect.stringContaining("did you mean web?"),
  });
  const problems = [{ file: "web.json", line: 3, column: 5, message: 'unknown key "cuont"', expected: "count" }];
  const openOneShot = async () => Promise.reject(new InvalidInput("the desired state is not valid", problems));
  const { code, err } = await runHeal(["check", "web"], { wiring: { openOneShot } });
  expect([code, err.split("\n")[0]]).toEqual([78, 'web.json:3:5: unknown key "cuont" (expected count)']);
});

it("nothing from outside reaches the terminal that it would obey", async () => {
  const evil = aStanding("web", { status: 2, summary: "1/3\u001b[2J\u0007 healthy\r\nweb PASSING\u202e \u009b31m3/3" });
  const daemon = fakeController({ status: async () => aStatusReport([aServiceReport(evil)]) });
  const { out } = await runHeal(["check", "web"], { daemon });
  expect(out).toBe("web CRITICAL 1/3 healthy web PASSING 3/3\n");
  const asJson = await runHeal(["check", "web", "--json"], { daemon });
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  expect(asJson.out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  expect(JSON.parse(asJson.out).services[0].summary).toBe(evil.summary);
});
