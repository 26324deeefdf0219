import { describe, expect, it } from "vitest";
import { openApply } from "../../src/act/apply.ts";
import { ActionRefused, Fenced } from "../../src/act/hands.ts";
import type { StartInstance } from "../../src/model/action.ts";
import type { InstanceFacts } from "../builders/world.ts";
import { anInstance } from "../builders/world.ts";
import { EngineError } from "../../src/ports/engine.ts";
import { RegistryError } from "../../src/ports/registry.ts";
import { aService } from "../builders/service.ts";
import { aTemplate } from "../builders/template.ts";
import type { ScriptedHands } from "./support/scripted-hands.ts";
import { scriptedHands } from "./support/scripted-hands.ts";
import { aPlanOf } from "./support/plans.ts";

const web = aService("web", {
  container: aTemplate("web:1", {
    environment: {
      LEVEL: { kind: "literal", value: "info" },
      DB: { kind: "consul-key", key: "config/db" },
      KEY: { kind: "file", path: "secrets/key" },
      TOKEN: { kind: "variable", name: "TOKEN" },
    },
  }),
  consul: { name: "shop-web", tags: ["a"], meta: { domain: "shop.example" }, tagOverride: true },
});

const start: StartInstance = {
  kind: "start-instance",
  service: "web",
  host: "h1",
  slot: 2,
  generation: 3,
  name: "heal.live.web.2.3",
  specHash: web.specHash ?? "",
  because: { rule: "start-missing", evidence: "slot 2 of 2 is empty" },
};

async function started(hands: ScriptedHands, service = web, fence = hands.fence()) {
  const [result] = await openApply(hands.tools)(fence, service, aPlanOf("web", [[start]]));
  return result;
}

/** The container that has the name already. */
function holder(hands: ScriptedHands, facts: InstanceFacts, service = web): void {
  const { container } = anInstance(service, 2, hands.clock.steadyMs(), { generation: 3, ...facts });
  hands.there.set(container.id, container);
}

describe("starting an instance", () => {
  it("creates it with its labels and resolved values, then registers it", async () => {
    const hands = scriptedHands();
    expect(await started(hands)).toEqual({ kind: "done", action: start, tookMs: 0, note: null });
    expect(hands.sent).toEqual([
      "h1 start heal.live.web.2.3",
      "agent of h1 register heal.live.web.2",
      // Consul keeps the maintenance in which the slot's last instance may have been left.
      "h1-node maintenance heal.live.web.2: off",
    ]);
    expect(hands.created).toEqual([
      {
        name: "heal.live.web.2.3",
        template: web.container,
        slot: 2,
        environment: { LEVEL: "info", DB: "postgres://db", KEY: "s3cret", TOKEN: "t0ken" },
        labels: {
          "heal.environment": "live",
          "heal.service": "web",
          "heal.slot": "2",
          "heal.generation": "3",
          "heal.spec-hash": web.specHash,
          "heal.sequencer": "session@7",
        },
      },
    ]);
    expect(hands.registered).toEqual([
      {
        id: "heal.live.web.2",
        name: "shop-web",
        address: "10.0.0.1",
        port: 20_002,
        tags: ["a"],
        meta: {
          domain: "shop.example",
          "heal-environment": "live",
          "heal-service": "web",
          "heal-slot": "2",
          "heal-container": "heal.live.web.2.3",
        },
        tagOverride: true,
        health: web.health,
        initialStatus: "critical",
      },
    ]);
  });

  it("does not register what is not to be registered", async () => {
    const hands = scriptedHands();
    await started(hands, aService("web", { consul: null }));
    expect(hands.sent).toEqual(["h1 start heal.live.web.2.3"]);
  });

  it("registers one without a check as passing, since nothing will ever say so", async () => {
    const hands = scriptedHands();
    await started(hands, aService("web", { health: null }));
    expect(hands.registered).toMatchObject([{ initialStatus: "passing", health: null }]);
  });

  it("refuses what breaks the policy before anything is resolved or sent: S28", async () => {
    const hands = scriptedHands({ policyBreach: () => "privileged containers are not allowed" });
    expect(await started(hands)).toMatchObject({
      kind: "failed",
      retry: "never",
      message: "privileged containers are not allowed",
    });
    expect(hands.sent).toEqual([]);
  });

  it.each([
    [{ kind: "consul-key", key: "config/gone" }, "VALUE: Consul has no key config/gone"],
    [{ kind: "variable", name: "GONE" }, "VALUE: the variable GONE is not set"],
    [{ kind: "file", path: "secrets/gone" }, "secrets/gone cannot be read"],
  ] as const)("sends nothing while a value cannot be had: %o", async (value, message) => {
    const hands = scriptedHands();
    const service = aService("web", { container: aTemplate("web:1", { environment: { VALUE: value } }) });
    expect(await started(hands, service)).toMatchObject({ kind: "failed", retry: "later", message });
    expect(hands.sent).toEqual([]);
  });

  it("says no secret in any result: S26", async () => {
    const hands = scriptedHands();
    hands.failing("h1 start heal.live.web.2.3", new EngineError("refused", "no such image: web:1"));
    expect(JSON.stringify(await started(hands))).not.toMatch(/s3cret|t0ken|postgres/);
  });

  it.each([
    ["refused", "later"],
    ["unreachable", "later"],
    ["unclear", "look"],
    ["conflict", "look"],
  ] as const)("says what is next when the engine's answer is %s: %s", async (kind, retry) => {
    const hands = scriptedHands();
    hands.failing("h1 start heal.live.web.2.3", new EngineError(kind, "port is taken"));
    expect(await started(hands)).toMatchObject({ kind: "failed", retry, message: "port is taken" });
    expect(hands.sent).toHaveLength(1);
  });

  it("says what is wrong with a host that the settings do not know", async () => {
    const hands = scriptedHands({ engines: {} });
    expect(await started(hands)).toMatchObject({
      kind: "failed",
      retry: "later",
      message: "host h1 is not in the settings",
    });
  });

  describe("while Memory is being written", () => {
    it("is created, and started only when that is done", async () => {
      const hands = scriptedHands();
      let written = (): void => undefined;
      const result = started(hands, web, hands.fence(Infinity, new Promise((resolve) => (written = resolve))));
      await hands.clock.settle();
      expect([...hands.there.values()].map(({ state }) => state)).toEqual(["created"]);
      written();
      expect(await result).toMatchObject({ kind: "done" });
      expect([...hands.there.values()].map(({ state }) => state)).toEqual(["running"]);
    });

    it("is never started when it could not be written", async () => {
      const hands = scriptedHands();
      const refused = Promise.reject(new Fenced("the leader key is held no more"));
      expect(await started(hands, web, hands.fence(Infinity, refused))).toMatchObject({
        kind: "skipped",
        reason: "the leader key is held no more",
      });
      expect([...hands.there.values()].map(({ state }) => state)).toEqual(["created"]);
      expect(hands.registered).toEqual([]);
    });

    it("is never started when the fence has fallen by then", async () => {
      const hands = scriptedHands();
      expect(await started(hands, web, hands.fence(1))).toMatchObject({ kind: "skipped" });
      expect([...hands.there.values()].map(({ state }) => state)).toEqual(["created"]);
    });

    it("touches nothing that has its name already", async () => {
      const hands = scriptedHands();
      holder(hands, { state: "created" });
      const refused = Promise.reject(new Fenced("the leader key is held no more"));
      expect(await started(hands, web, hands.fence(Infinity, refused))).toMatchObject({ kind: "skipped" });
      expect(hands.sent).toEqual(["h1 start heal.live.web.2.3"]);
    });
  });

  describe("whose name is taken", () => {
    it("finds itself there already, and only registers it: S7", async () => {
      const hands = scriptedHands();
      holder(hands, {});
      expect(await started(hands)).toMatchObject({ kind: "done" });
      expect(hands.sent).toEqual([
        "h1 start heal.live.web.2.3",
        "h1 inspect heal.live.web.2.3",
        "agent of h1 register heal.live.web.2",
        "h1-node maintenance heal.live.web.2: off",
      ]);
    });

    it.each(["restarting", "paused"] as const)("leaves one that is %s as it is", async (state) => {
      const hands = scriptedHands();
      holder(hands, { state });
      await started(hands);
      expect(hands.sent.filter((line) => / remove /.test(line))).toEqual([]);
    });

    it.each([
      ["has ended", { state: "exited" }],
      ["was created and never started (it may lack a network: simulator seed 920268)", { state: "created" }],
      ["was created for another specification", { state: "created", specHash: "older" }],
    ] as const)("makes one that %s anew", async (_name, facts) => {
      const hands = scriptedHands();
      holder(hands, facts);
      expect(await started(hands)).toMatchObject({ kind: "done" });
      expect(hands.sent.slice(2, 4)).toEqual(["h1 remove web/2/3@h1", "h1 start heal.live.web.2.3"]);
    });

    it("leaves a stranger alone: S10", async () => {
      const hands = scriptedHands();
      holder(hands, { container: { service: "other" } });
      expect(await started(hands)).toMatchObject({ kind: "failed", retry: "never" });
      expect(hands.sent).toEqual(["h1 start heal.live.web.2.3", "h1 inspect heal.live.web.2.3"]);
    });

    it("looks again when the name is free by the time it is asked about", async () => {
      const hands = scriptedHands();
      hands.failing("h1 start heal.live.web.2.3", new EngineError("name-taken", "taken"));
      expect(await started(hands)).toMatchObject({ kind: "failed", retry: "look" });
    });
  });

  describe("when the registration fails", () => {
    it.each([
      ["its agent is away", new RegistryError("unreachable", "connection refused")],
      ["its agent refuses", new RegistryError("denied", "ACL")],
      ["the registration has to wait", new ActionRefused("no address", "later")],
    ])("has started it all the same, though %s", async (_name, error) => {
      const hands = scriptedHands();
      hands.failing("agent of h1 register heal.live.web.2", error);
      expect(await started(hands)).toMatchObject({
        kind: "done",
        note: `started, but not registered yet: ${error.message}`,
      });
      expect(hands.there.size).toBe(1);
    });
  });

  describe("behind a fence that falls", () => {
    it("sends nothing when it has fallen before", async () => {
      const hands = scriptedHands();
      expect(await started(hands, web, hands.fence(0))).toMatchObject({ kind: "skipped" });
      expect(hands.sent).toEqual([]);
    });

    it("hands it on to the engine, whose start takes several requests", async () => {
      const hands = scriptedHands();
      const engine = hands.tools.engines["h1"]!;
      const inTwoRequests: typeof engine.start = async (creation, mayGoOn) => {
        await mayGoOn?.("prepare");
        hands.sent.push("create");
        await mayGoOn?.("start");
        return engine.start(creation);
      };
      const tools = { ...hands.tools, engines: { h1: { ...engine, start: inTwoRequests } } };
      const results = await openApply(tools)(hands.fence(2), web, aPlanOf("web", [[start]]));
      expect(results).toMatchObject([{ kind: "skipped" }]);
      expect(hands.sent).toEqual(["create"]);
    });

    it("does not register after it has fallen, and does not call the start undone", async () => {
      const hands = scriptedHands();
      const result = await started(hands, web, hands.fence(2));
      expect(result).toMatchObject({ kind: "done", note: expect.stringContaining("not registered yet") });
      expect(hands.sent).toEqual(["h1 start heal.live.web.2.3"]);
    });

    it.each([1, 2])("sends nothing after look %i while it makes one anew", async (looks) => {
      const hands = scriptedHands();
      holder(hands, { state: "exited" });
      expect(await started(hands, web, hands.fence(looks))).toMatchObject({ kind: "skipped" });
      const changes = hands.sent.filter((line) => !line.includes("inspect"));
      expect(changes).toHaveLength(looks);
    });
  });
});
