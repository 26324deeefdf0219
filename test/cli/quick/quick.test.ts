import { describe, expect, it } from "vitest";
import { askSocket } from "../../../src/adapters/api-client/ask-socket.ts";
import { quick } from "../../../src/cli/quick/quick.ts";
import { fakeController } from "../support/fake-controller.ts";
import type { FakeController } from "../support/fake-controller.ts";
import { aServiceReport, aStatusReport } from "../support/reports.ts";
import type { FakeTerminal } from "../support/run-heal.ts";
import { fakeTerminal } from "../support/run-heal.ts";
import { running } from "../../server/support/running.ts";
import { aStanding } from "../../builders/standing.ts";

async function quickly(
  argv: readonly string[],
  { fake, terminal = fakeTerminal() }: { fake?: FakeController; terminal?: FakeTerminal } = {},
) {
  const { server, controller } = await running(fake === undefined ? {} : { fake });
  const code = await quick(argv, {
    terminal,
    ask: (path, question) => askSocket(path)(question),
    locate: () => ({ socketPath: server.socketPath }),
  });
  return { code, out: terminal.written.out, calls: controller.calls };
}

const web = aStanding("web", { status: 2, summary: "1/3\u0007 healthy: 2 missing" });
const answering = () => fakeController({ status: async () => aStatusReport([aServiceReport(web)]) });

describe("with a daemon that answers", () => {
  it("heal check is one question", async () => {
    const { code, out, calls } = await quickly(["check", "web", "--env", "live"], { fake: answering() });
    expect([code, out, calls]).toEqual([2, "web CRITICAL 1/3 healthy: 2 missing\n", [["status", ["web"]]]]);
  });

  it("heal check --json gives what the ordinary way gives", async () => {
    const { code, out } = await quickly(["check", "--json"], { fake: answering() });
    expect([code, JSON.parse(out)]).toEqual([
      2,
      { version: 1, environment: "live", status: 2, services: [{ service: "web", status: 2, summary: web.summary }] },
    ]);
  });

  it("heal watch is one hint, and silence", async () => {
    const terminal = fakeTerminal({ readInput: async () => '[{"ServiceName":"web"}]' });
    expect(await quickly(["watch"], { terminal })).toEqual({ code: 0, out: "", calls: [["nudge", ["web"]]] });
  });
});

describe("the ordinary way is taken", () => {
  it.each([
    [[]],
    [["status"]],
    [["check", "--help"]],
    [["check", "web", "api"]],
    [["check", "--env"]],
    [["check", "--env", "--json"]],
    [["watch", "web"]],
    [["--json", "check"]],
  ])("for %j", async (argv) => {
    const nobody = { ask: () => Promise.reject(new Error("not asked")), locate: () => ({ socketPath: "" }) };
    expect(await quick(argv, { terminal: fakeTerminal(), ...nobody })).toBeNull();
  });

  it("for a service that is not desired, which it explains", async () => {
    expect(await quickly(["check", "wbe"])).toMatchObject({ code: null, out: "" });
  });

  it("when no daemon answers, or only the settings proper tell where", async () => {
    const deps = { terminal: fakeTerminal(), ask: () => Promise.reject(new Error("not asked")) };
    expect(await quick(["check"], { ...deps, locate: () => null })).toBeNull();
    const ask = askSocket("/nonexistent/d.sock");
    expect(await quick(["check"], { ...deps, ask: (_, it) => ask(it), locate: () => ({ socketPath: "" }) })).toBeNull();
  });

  it("when what answers is of another version", async () => {
    const ask = async () => ({ status: 200, body: { version: 2, status: 0, services: [] } });
    expect(await quick(["check"], { terminal: fakeTerminal(), ask, locate: () => ({ socketPath: "" }) })).toBeNull();
  });

  it("for heal watch by hand, which it explains", async () => {
    expect(await quickly(["watch"], { terminal: fakeTerminal({ inputIsTerminal: true }) })).toMatchObject({
      code: null,
    });
  });
});
