import { describe, expect, it } from "vitest";
import type { AlertFacts } from "../../../src/model/alert.ts";
import { unknown } from "../../../src/model/known.ts";
import { noFleetMemory, noServiceMemory, noSlotMemory } from "../../../src/model/memory.ts";
import { conditionsFrom } from "../../../src/report/alerts/conditions.ts";
import { aService } from "../../builders/service.ts";
import {
  blind,
  deadHost,
  facts,
  hostFacts,
  MINUTE,
  NIGHT_MS,
  SECOND,
  serviceFacts,
  short,
  sinceMinutes,
  tooMany,
} from "./builders.ts";

const keysOf = (some: AlertFacts): readonly string[] => conditionsFrom(some).holding.map(({ key }) => key);
const oneOf = (some: AlertFacts, key: string) => {
  const found = conditionsFrom(some).holding.find((one) => one.key === key);
  if (found === undefined) throw new Error(`${key} is not among ${keysOf(some).join(", ") || "none"}`);
  return found;
};

describe("conditions", () => {
  it("are none where all is well", () => {
    const all = facts({ services: { web: serviceFacts("web") }, hosts: { h1: hostFacts("h1") } });
    expect(conditionsFrom(all)).toEqual({ holding: [], unclear: [] });
  });

  it("say how many are missing, since when, and what is being done", () => {
    const web = sinceMinutes(serviceFacts("web", { ...short, starting: 1 }), 4);
    expect(oneOf(facts({ services: { web } }), "live/below-count/web")).toMatchObject({
      severity: "critical",
      services: ["web"],
      sinceMs: NIGHT_MS - 4 * MINUTE,
      summary: "web: 2 of 3 missing (1 healthy)",
      what: "web has 1 healthy instance where 3 are asked for",
      doing: "1 instance of it is starting.",
    });
  });

  it.each([
    ["a pause", { pause: { sinceMs: 0, untilMs: null, why: "moving racks" } }, {}, "paused (moving racks)"],
    [
      "a back-off",
      { backOff: { delayMs: 1, untilMs: NIGHT_MS + 1, because: "port is taken" } },
      { backingOff: 1 },
      "port is taken",
    ],
    ["a quarantine", {}, { quarantined: 2 }, "set 2 slots aside"],
    [
      "reads that contradict each other",
      {},
      { trust: "suspect" as const, trustReason: "Consul lists none" },
      "Consul lists none",
    ],
  ])("name %s as what keeps it from being healed", (_what, memory, standing, words) => {
    const web = serviceFacts("web", { ...short, ...standing }, { memory: { ...noServiceMemory, ...memory } });
    expect(oneOf(facts({ services: { web } }), "live/below-count/web").doing).toContain(words);
  });

  it("name a hold, when nothing else explains why it is not healed", () => {
    const because = { rule: "start-missing", evidence: "2 missing" };
    const hold = { service: "web", because, heldBy: "placement", reason: "no host has room", untilMs: null };
    const web = serviceFacts("web", short, { holds: [hold] });
    expect(oneOf(facts({ services: { web } }), "live/below-count/web").doing).toBe(
      "Holds back (placement): no host has room.",
    );
  });

  it("take a surplus for told once it has lasted as long as its service says", () => {
    const web = sinceMinutes(
      serviceFacts("web", tooMany, {
        service: aService("web", { count: 3, surplus: { action: "alert", afterMs: 90_000 } }),
      }),
      1,
    );
    expect(oneOf(facts({ services: { web } }), "live/surplus/web")).toMatchObject({
      severity: "warning",
      waitMs: 90_000,
      summary: "web: 1 more than asked for (4 of 3)",
      doing: "Stops nothing: which one is too many is for a person to say.",
    });
  });

  it("point at the instance that nobody asked heal for", () => {
    const container = (name: string, slot: number | null) => ({ name, slot, host: "h1", state: "running" as const });
    const instances = [container("heal.live.web.1.1", 1), container("web-by-hand", null)].map((one) => ({
      container: one,
      registration: null,
      current: true,
    }));
    const web = serviceFacts("web", tooMany, { instances: instances as never });
    expect(oneOf(facts({ services: { web } }), "live/surplus/web").evidence).toContain(
      "not of heal's counting: web-by-hand on h1",
    );
  });

  it("tell of slots in quarantine, and not of one that is not wanted any more", () => {
    const slot = { ...noSlotMemory, quarantinedAtMs: NIGHT_MS - MINUTE, failuresAtMs: [1, 2, 3], failedHosts: ["h2"] };
    const memory = { ...noServiceMemory, slots: { 2: slot, 7: slot } };
    const one = oneOf(facts({ services: { web: serviceFacts("web", short, { memory }) } }), "live/quarantine/web");
    expect(one).toMatchObject({
      severity: "critical",
      sinceMs: NIGHT_MS - MINUTE,
      evidence: ["slot 2: 3 failures on h2"],
    });
  });

  const failed = (retry: "later" | "never") => ({
    results: [
      {
        kind: "failed" as const,
        retry,
        tookMs: 5,
        message: "no such image: shop/web:9",
        action: {
          kind: "start-instance" as const,
          service: "web",
          host: "h1",
          slot: 1,
          generation: 1,
          name: "heal.live.web.1.1",
          specHash: "x",
          because: { rule: "start-missing", evidence: "1 missing" },
        },
      },
    ],
    atMs: NIGHT_MS - MINUTE,
  });

  it("tell of an action that trying again would not help, and of no other failure", () => {
    const never = facts({ services: { web: serviceFacts("web", short, { acted: failed("never") }) } });
    expect(oneOf(never, "live/action-failed/web").what).toBe(
      "heal cannot start heal.live.web.1.1 on h1: no such image: shop/web:9",
    );
    expect(keysOf(facts({ services: { web: serviceFacts("web", short, { acted: failed("later") }) } }))).toEqual([
      "live/below-count/web",
    ]);
  });

  it("take an action's failure for over once its service passes", () => {
    const acted = failed("never");
    expect(conditionsFrom(facts({ services: { web: serviceFacts("web", {}, { acted }) } }))).toEqual({
      holding: [],
      unclear: [],
    });
  });

  it("tell of a host that does not answer as a warning, and critically once it is lost", () => {
    const h2 = deadHost("h2", NIGHT_MS - MINUTE);
    expect(oneOf(facts({ hosts: { h2 } }), "live/host-lost/h2")).toMatchObject({
      severity: "warning",
      waitMs: 2 * MINUTE,
    });
    const fleet = { ...noFleetMemory, lostHosts: { h2: NIGHT_MS - 20 * SECOND } };
    expect(oneOf(facts({ hosts: { h2 }, fleet }), "live/host-lost/h2")).toMatchObject({
      severity: "critical",
      sinceMs: NIGHT_MS - MINUTE,
    });
  });

  it("put what a dead host's services miss down to the host", () => {
    const web = sinceMinutes(serviceFacts("web", short), 1);
    const api = sinceMinutes(serviceFacts("api", short), 1);
    const h2 = deadHost("h2", NIGHT_MS - 2 * MINUTE, [{ service: "web", instances: 2 }]);
    const all = facts({ services: { web, api }, hosts: { h2 } });
    expect(oneOf(all, "live/below-count/web").causes).toContain("live/host-lost/h2");
    expect(oneOf(all, "live/below-count/api").causes).not.toContain("live/host-lost/h2");
  });

  it("do not put an outage of the week after down to a host that has been dead since", () => {
    const web = sinceMinutes(serviceFacts("web", short), 1);
    const h2 = deadHost("h2", NIGHT_MS - 10_000 * MINUTE, [{ service: "web", instances: 2 }]);
    expect(oneOf(facts({ services: { web }, hosts: { h2 } }), "live/below-count/web").causes).not.toContain(
      "live/host-lost/h2",
    );
  });

  it("make a silent host as urgent as what it explains, so that no quiet hours hide an outage", () => {
    const web = sinceMinutes(serviceFacts("web", short), 1);
    const h2 = deadHost("h2", NIGHT_MS - 2 * MINUTE, [{ service: "web", instances: 2 }]);
    expect(oneOf(facts({ services: { web }, hosts: { h2 } }), "live/host-lost/h2")).toMatchObject({
      severity: "critical",
      waitMs: null,
    });
  });

  it("go by the routes of all services that a host carried, and by the default one", () => {
    const web = serviceFacts("web", {}, { service: aService("web", { alerts: { route: "shop-team" } }) });
    const h2 = deadHost("h2", NIGHT_MS, [{ service: "web", instances: 1 }]);
    expect(oneOf(facts({ services: { web }, hosts: { h2 } }), "live/host-lost/h2").routes).toEqual([
      "default",
      "shop-team",
    ]);
  });

  it("name all forty services of a dead host", () => {
    const names = Array.from({ length: 40 }, (_, index) => `shop-service-${index + 1}`);
    const h2 = deadHost(
      "h2",
      NIGHT_MS,
      names.map((service) => ({ service, instances: 1 })),
    );
    const one = oneOf(
      facts({ services: Object.fromEntries(names.map((name) => [name, serviceFacts(name)])), hosts: { h2 } }),
      "live/host-lost/h2",
    );
    expect(one.summary).toBe("host h2 does not answer (40 instances of 40 services)");
    for (const name of names) expect(one.evidence.join(" ")).toMatch(new RegExp(`\\b${name}\\b`));
    expect(one.services).toEqual(names);
  });

  it("tell once of a blind environment, as the cause of what cannot be told of its services", () => {
    const services = Object.fromEntries(
      ["a", "b", "c"].map((name) => [name, sinceMinutes(serviceFacts(name, name === "c" ? {} : blind), 3)]),
    );
    const all = facts({ services });
    expect(oneOf(all, "live/blind/live")).toMatchObject({ severity: "critical", sinceMs: NIGHT_MS - 3 * MINUTE });
    expect(oneOf(all, "live/blind/live").what).toContain("Consul has no leader");
    expect(oneOf(all, "live/unknown/a").causes).toContain("live/blind/live");
  });

  it("take one service among many that cannot be judged for its own trouble", () => {
    const services = { a: serviceFacts("a", blind), b: serviceFacts("b"), c: serviceFacts("c") };
    expect(keysOf(facts({ services }))).toEqual(["live/unknown/a"]);
  });

  it("tell of a freeze as the cause of what is short since then", () => {
    const web = sinceMinutes(serviceFacts("web", { ...short, unhealthy: 2 }), 1);
    const all = facts({ services: { web }, fleet: { ...noFleetMemory, frozenSinceMs: NIGHT_MS - MINUTE } });
    expect(oneOf(all, "live/below-count/web").causes).toContain("live/freeze/live");
    expect(oneOf(all, "live/freeze/live")).toMatchObject({ severity: "critical", services: ["web"] });
  });

  it("tell of files that are wrong, more urgently when nothing valid is in force", () => {
    const problems = [
      { file: "live/web.json", line: 3, column: 5, message: 'unknown key "cuont"', expected: '"count"' },
    ];
    const trouble = { problems, sinceMs: NIGHT_MS, lastGoodInForce: true };
    const one = oneOf(facts({ desiredState: trouble }), "live/desired-state-invalid/live");
    expect(one).toMatchObject({
      severity: "warning",
      evidence: ['live/web.json:3:5: unknown key "cuont" (expected "count")'],
    });
    expect(oneOf(facts({ desiredState: { ...trouble, lastGoodInForce: false } }), one.key).severity).toBe("critical");
  });

  it("tell when nobody leads, and of memory that was set aside", () => {
    const all = facts({
      leadership: { kind: "leaderless", sinceMs: NIGHT_MS, reason: "Consul does not answer" },
      setAside: [{ key: "memory/services/web", reason: "its version is 9", sinceMs: NIGHT_MS }],
    });
    expect(keysOf(all)).toEqual(["live/leaderless/live", "live/memory-set-aside/memory/services/web"]);
  });

  it("give commands with the environment, where it is not the default one", () => {
    const one = oneOf(
      facts({ commandSuffix: " --env test", services: { web: serviceFacts("web", short) } }),
      "live/below-count/web",
    );
    expect(one.advice[0]).toContain("`heal why web --env test`");
  });
});

describe("what cannot be judged", () => {
  it("is unclear, and neither holds nor is over: a service not looked at yet", () => {
    expect(conditionsFrom(facts({ services: { web: serviceFacts("web", null) } }))).toEqual({
      holding: [],
      unclear: [
        "live/blind/live",
        "live/below-count/web",
        "live/surplus/web",
        "live/unknown/web",
        "live/action-failed/web",
      ],
    });
  });

  it("is unclear: how many a blind service has", () => {
    expect(conditionsFrom(facts({ services: { web: serviceFacts("web", blind) } })).unclear).toEqual(
      expect.arrayContaining(["live/below-count/web", "live/surplus/web"]),
    );
  });

  it("is unclear: a host nobody has asked yet, and a lead nobody has asked for", () => {
    const h1 = hostFacts("h1", { engine: unknown("not asked yet") });
    expect(conditionsFrom(facts({ hosts: { h1 }, leadership: { kind: "unknown" } }))).toEqual({
      holding: [],
      unclear: ["live/leaderless/live", "live/host-lost/h1"],
    });
  });
});

describe("names and outputs from outside", () => {
  const nasty = "web\r\nBcc: x@y\u202e`$(reboot)`; '\u001b[31m";

  it("stay one clean line within their limits, in every condition", () => {
    const flood = `${nasty}${"A".repeat(1_000_000)}`;
    const standing = { service: nasty, trustReason: flood, summary: flood };
    const acted = { results: [], atMs: 0 };
    const hold = {
      service: nasty,
      because: { rule: "x", evidence: flood },
      heldBy: flood,
      reason: flood,
      untilMs: null,
    };
    const slot = {
      ...noSlotMemory,
      quarantinedAtMs: 1,
      failedHosts: [flood],
      backOff: { delayMs: 1, untilMs: 1, because: flood },
    };
    const memory = { ...noServiceMemory, slots: { 1: slot }, pause: { sinceMs: 0, untilMs: null, why: flood } };
    const service = aService(nasty, { count: 3 });
    const all = facts({
      services: {
        [nasty]: serviceFacts(nasty, { ...short, ...standing }, { service, holds: [hold], memory, acted }),
        [`${nasty}2`]: serviceFacts(nasty, { ...blind, ...standing }, { service, holds: [hold], memory, acted }),
        [`${nasty}3`]: serviceFacts(nasty, { ...tooMany, ...standing }, { service, holds: [hold], memory, acted }),
      },
      hosts: { [nasty]: deadHost(nasty, 1, [{ service: nasty, instances: 3 }]) },
      fleet: { ...noFleetMemory, frozenSinceMs: 1 },
      desiredState: {
        problems: [{ file: flood, line: 1, column: 1, message: flood, expected: flood }],
        sinceMs: 1,
        lastGoodInForce: true,
      },
      leadership: { kind: "leaderless", sinceMs: 1, reason: flood },
      setAside: [{ key: flood, reason: flood, sinceMs: 1 }],
    });
    const { holding } = conditionsFrom(all);
    expect(holding.length).toBeGreaterThan(8);
    for (const one of holding) {
      const texts = [
        one.key,
        one.subject,
        one.summary,
        one.what,
        one.doing,
        ...one.advice,
        ...one.evidence,
        ...one.services,
      ];
      for (const text of texts) {
        expect(text).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(260);
      }
      expect(Buffer.byteLength(JSON.stringify(one))).toBeLessThan(6_000);
    }
  });

  it("cannot smuggle a command into one that is meant to be copied", () => {
    const one = oneOf(
      facts({ services: { [nasty]: serviceFacts(nasty, short, { service: aService(nasty) }) } }),
      conditionsFrom(facts({ services: { [nasty]: serviceFacts(nasty, short) } })).holding[0]?.key ?? "",
    );
    expect(one.advice[0]).toBe(
      String.raw`${"`"}heal why 'web Bcc: x@y'\''$(reboot)'\''; '\'''${"`"} shows what was seen, what was tried and what holds it back.`,
    );
  });
});
