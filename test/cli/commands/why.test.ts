import { expect, it } from "vitest";
import { noServiceMemory, noSlotMemory } from "../../../src/model/memory.ts";
import { fakeController } from "../support/fake-controller.ts";
import { aHistoryEntry, aHold, aRegistration, aStart, aWhyReport, anInstance, atMs } from "../support/reports.ts";
import { runHeal } from "../support/run-heal.ts";
import { aStanding } from "../../builders/standing.ts";

const web = aStanding("web", { status: 2, healthy: 1, summary: "1/3 healthy: 2 missing" });
const report = aWhyReport(web, {
  instances: [
    anInstance({}, {}),
    anInstance(
      { id: "c2", name: "heal.live.web.2.3", host: "h2", slot: 2, state: "exited", exitCode: 137 },
      { node: "h2", status: "critical", address: "192.0.2.12", port: 20_002, output: "connection\u0007 refused" },
    ),
    { ...anInstance({ name: "heal.live.web.3.1", host: "h3", slot: 3, health: "healthy" }, null), current: false },
  ],
  silentHosts: { h3: "connect ETIMEDOUT" },
  ghosts: [aRegistration({ id: "heal.live.web.4", node: "h2", status: "critical", nodeStatus: "critical" })],
  planned: [aStart("web", 2, 4, "h1")],
  holds: [aHold("web")],
  memory: {
    ...noServiceMemory,
    inFlight: [
      {
        kind: "start",
        slot: 2,
        generation: 4,
        host: "h1",
        subject: "heal.live.web.2.4",
        sinceMs: atMs - 1_500,
        expiresAtMs: 0,
      },
    ],
    slots: { 3: { ...noSlotMemory, backOff: { delayMs: 20_000, untilMs: atMs + 12_000, because: "no such image" } } },
  },
  history: [
    aHistoryEntry(),
    aHistoryEntry({
      kind: "status",
      what: "critical: 1/3 healthy: 2 missing",
      why: "",
      outcome: "noted",
      detail: null,
    }),
  ],
  sources: { "services.web": "/etc/heal/web.json", "services.web.count": "/etc/heal/live/web.json" },
});

it("tells what was seen and where from, what fired or held, what is remembered and what was done", async () => {
  const { code, out } = await runHeal(["why", "web"], { daemon: fakeController({ why: async () => report }) });
  expect(out).toBe(
    `web  CRITICAL  1/3 healthy: 2 missing
    live, runs on engine, critical since 2026-03-01 03:10:30Z

trust
    trusted: Consul and Docker answered and agree
    Consul: default read at index 1234
    Docker: kept up to date by its events
    runs as: engine

instances
    NAME               HOST  SLOT  DOCKER                CONSUL          ADDRESS           SAYS
    heal.live.web.1.1  h1    1     running               passing         192.0.2.11:20001
    heal.live.web.2.3  h2    2     exited (137)          critical        192.0.2.12:20002  connection refused
    heal.live.web.3.1  h3    3     was running, healthy  not registered

hosts that do not answer
    h3: connect ETIMEDOUT

in Consul without a container
    heal.live.web.4 on h2 (192.0.2.11:20001), critical, node critical

planned now
    would start heal.live.web.2.4 on h1
      because slot 2 has no instance: heal.live.web.2.1 has ended (start-missing)

held now
    held replace-unhealthy: heal.live.web.2.1 on h2 is critical in Consul: HTTP 500 (for 12 s)
      by unhealthy-after: it is replaced when that has lasted 30 s; next look in 18s

remembered
    on its way: start heal.live.web.2.4 on h1, sent 1.5s ago
    slot 3: back-off of 20s, 12s left: no such image

history, oldest first, times in UTC
    2026-03-01 03:11:40Z  done start heal.live.web.2.4 on h1 (took 233 ms)
      because slot 2 has no instance
    2026-03-01 03:11:40Z  noted critical: 1/3 healthy: 2 missing

asked for by
    /etc/heal/web.json
    /etc/heal/live/web.json: count
`,
  );
  expect(code).toBe(2);
});

it("says that nothing was seen where nothing was", async () => {
  const { out } = await runHeal(["why", "web"]);
  expect(out).toContain("instances\n    none was seen\n");
  expect(out).not.toContain("history");
});

it("gives the report as JSON", async () => {
  const { out } = await runHeal(["why", "web", "--json"], { daemon: fakeController({ why: async () => report }) });
  expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(report)));
});

it("needs a service, and only one", async () => {
  expect(await runHeal(["why"])).toMatchObject({
    code: 64,
    err: expect.stringContaining("missing required argument 'service'"),
  });
  expect(await runHeal(["why", "web", "api"])).toMatchObject({
    code: 64,
    err: expect.stringContaining("too many arguments"),
  });
  expect(await runHeal(["why", "wbe"])).toMatchObject({ code: 64, err: expect.stringContaining("did you mean web?") });
});
