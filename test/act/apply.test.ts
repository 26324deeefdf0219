import { describe, expect, it } from "vitest";
import { openApply } from "../../src/act/apply.ts";
import type { Action, DeregisterInstance, RegisterInstance, StartInstance } from "../../src/model/action.ts";
import type { Compose } from "../../src/ports/compose.ts";
import { EngineError } from "../../src/ports/engine.ts";
import { RegistryError } from "../../src/ports/registry.ts";
import type { Swarm } from "../../src/ports/swarm.ts";
import { aService } from "../builders/service.ts";
import { anInstance } from "../builders/world.ts";
import { aPlanOf } from "./support/plans.ts";
import { scriptedHands } from "./support/scripted-hands.ts";

const because = { rule: "start-missing", evidence: "…" };
const web = aService("web", { consul: null });

function aStart(slot: number, host = "h1"): StartInstance {
  const name = `heal.live.web.${slot}.1`;
  return { kind: "start-instance", service: "web", host, slot, generation: 1, name, specHash: "", because };
}

const starts = (sent: readonly string[]): readonly string[] => sent.filter((line) => line.includes(" start "));

describe("carrying out a plan", () => {
  it("takes wave after wave, and what is in one wave side by side", async () => {
    const hands = scriptedHands();
    const letGo = hands.holding("h1 start heal.live.web.1.1");
    const waves = [[aStart(1)], [aStart(2), aStart(3, "h2")]];
    const results = openApply(hands.tools)(hands.fence(), web, aPlanOf("web", waves));
    await hands.clock.settle();
    expect(hands.sent).toEqual(["h1 start heal.live.web.1.1"]);
    letGo();
    expect((await results).map(({ kind }) => kind)).toEqual(["done", "done", "done"]);
    expect(hands.sent).toHaveLength(3);
  });

  it("ends at the first wave that had a failure: a bad image fails once, not forty times", async () => {
    const hands = scriptedHands();
    hands.failing("h1 start heal.live.web.1.1", new EngineError("refused", "no such image"));
    const waves = [[aStart(1)], [aStart(2), aStart(3)], [aStart(4)]];
    const results = await openApply(hands.tools)(hands.fence(), web, aPlanOf("web", waves));
    expect(results.map(({ kind }) => kind)).toEqual(["failed", "skipped", "skipped", "skipped"]);
    expect(results[1]).toMatchObject({ reason: "an earlier action of the service failed" });
    expect(hands.sent).toHaveLength(1);
  });

  it("finishes the wave in which the failure was", async () => {
    const hands = scriptedHands();
    hands.failing("h1 start heal.live.web.1.1", new EngineError("refused", "no such image"));
    const results = await openApply(hands.tools)(hands.fence(), web, aPlanOf("web", [[aStart(1), aStart(2)]]));
    expect(results.map(({ kind }) => kind)).toEqual(["failed", "done"]);
  });

  it("goes on after a registration that failed: an agent that is away holds up no start elsewhere", async () => {
    const hands = scriptedHands();
    const deregister: DeregisterInstance = {
      kind: "deregister-instance",
      service: "web",
      node: "h2-node",
      registrationId: "heal.live.web.9",
      because,
    };
    hands.failing("h2-node deregister heal.live.web.9", new RegistryError("unreachable", "connection refused"));
    const results = await openApply(hands.tools)(hands.fence(), web, aPlanOf("web", [[deregister], [aStart(1)]]));
    expect(results.map(({ kind }) => kind)).toEqual(["failed", "done"]);
  });

  it("starts no more at once on one host than is allowed, over all services together", async () => {
    const hands = scriptedHands();
    const apply = openApply(hands.tools);
    const letGo = [1, 2, 3, 4].map((slot) => hands.holding(`h1 start heal.live.web.${slot}.1`));
    const one = apply(hands.fence(), web, aPlanOf("web", [[aStart(1), aStart(2)]]));
    const other = apply(hands.fence(), web, aPlanOf("web", [[aStart(3), aStart(4), aStart(5, "h2")]]));
    await hands.clock.settle();
    expect(starts(hands.sent)).toEqual([
      "h1 start heal.live.web.1.1",
      "h1 start heal.live.web.2.1",
      "h2 start heal.live.web.5.1",
    ]);
    letGo[0]?.();
    await hands.clock.settle();
    expect(starts(hands.sent)).toHaveLength(4);
    for (const free of letGo) free();
    await Promise.all([one, other]);
    expect(starts(hands.sent)).toHaveLength(5);
  });

  it("gives a bug of ours as a result like any other, so that it holds up no other service", async () => {
    const hands = scriptedHands();
    hands.failing("h1 start heal.live.web.1.1", new TypeError("x is undefined"));
    const results = await openApply(hands.tools)(hands.fence(), web, aPlanOf("web", [[aStart(1)]]));
    expect(results).toMatchObject([{ kind: "failed", retry: "look", message: "unexpected TypeError: x is undefined" }]);
  });
});

describe("registering a container that runs", () => {
  const service = aService("web");
  const register: RegisterInstance = {
    kind: "register-instance",
    service: "web",
    host: "h1",
    containerId: "web/1/1@h1",
    name: "heal.live.web.1.1",
    slot: 1,
    because,
  };
  const run = async (forMs: number, facts: Parameters<typeof anInstance>[3] = {}) => {
    const hands = scriptedHands();
    const { container } = anInstance(service, 1, hands.clock.steadyMs(), { forMs, ...facts });
    hands.there.set(container.id, container);
    const [result] = await openApply(hands.tools)(hands.fence(), service, aPlanOf("web", [[register]]));
    return { hands, result };
  };

  it("does not call one dead that ran before its agent forgot it", async () => {
    const { hands, result } = await run(3_600_000);
    expect(result).toMatchObject({ kind: "done" });
    expect(hands.registered).toMatchObject([{ id: "heal.live.web.1", initialStatus: "passing" }]);
  });

  it("does not call one ready that has just been started", async () => {
    const { hands } = await run(5_000);
    expect(hands.registered).toMatchObject([{ initialStatus: "critical" }]);
  });

  it("ends a maintenance of our own that is left over", async () => {
    const hands = scriptedHands();
    const { container } = anInstance(service, 1, hands.clock.steadyMs());
    hands.there.set(container.id, container);
    const action = { ...register, endsMaintenance: true } as const;
    await openApply(hands.tools)(hands.fence(), service, aPlanOf("web", [[action]]));
    expect(hands.sent.slice(1)).toEqual([
      "agent of h1 register heal.live.web.1",
      "h1-node maintenance heal.live.web.1: off",
    ]);
  });

  it("registers one without a slot under its name", async () => {
    const hands = scriptedHands();
    const adopted = anInstance(service, null, hands.clock.steadyMs(), { container: { id: "c9", name: "shop-web-1" } });
    hands.there.set("c9", adopted.container);
    const action = { ...register, containerId: "c9", name: "shop-web-1", slot: null };
    await openApply(hands.tools)(hands.fence(), service, aPlanOf("web", [[action]]));
    expect(hands.registered).toMatchObject([{ id: "heal.live.shop-web-1", meta: { "heal-container": "shop-web-1" } }]);
    expect(hands.registered[0]?.meta).not.toHaveProperty("heal-slot");
  });

  it("registers nothing that does not run any more", async () => {
    const { hands, result } = await run(3_600_000, { state: "exited" });
    expect(result).toMatchObject({
      kind: "failed",
      retry: "later",
      message: "heal.live.web.1.1 does not run any more",
    });
    expect(hands.registered).toEqual([]);
  });

  it("gives the address that clients reach: the host's, the one it is bound to, or its own", async () => {
    const reached = async (container: Parameters<typeof run>[1]) => {
      const { hands } = await run(3_600_000, container);
      return `${hands.registered[0]?.address}:${hands.registered[0]?.port}`;
    };
    const port = { container: 8080, host: 31_000, protocol: "tcp" } as const;
    expect(await reached({ container: { ports: [{ ...port, hostIp: "0.0.0.0" }] } })).toBe("10.0.0.1:31000");
    expect(await reached({ container: { ports: [{ ...port, hostIp: "192.0.2.7" }] } })).toBe("192.0.2.7:31000");
    expect(await reached({ container: { ports: [], address: "172.17.0.9" } })).toBe("172.17.0.9:8080");
    expect(await reached({ container: { ports: [], address: null } })).toBe("10.0.0.1:8080");
  });
});

describe("working on a service as a whole", () => {
  const asked: string[] = [];
  const compose: Compose = {
    describe: async () => ({ services: [], unscalable: null }),
    scale: async ({ name, host }, service, to) => void asked.push(`compose ${name}/${service} on ${host} to ${to}`),
  };
  const swarm = {
    scale: async (id: string, version: number, to: number) => void asked.push(`swarm ${id}@${version} to ${to}`),
    create: async ({ name, replicas, labels }: { name: string; replicas: number; labels: Record<string, string> }) =>
      void asked.push(`swarm create ${name} with ${replicas} as ${labels["heal.sequencer"]}`),
  } as unknown as Swarm;
  const base = { service: "web", because };
  const actions: readonly (readonly [string, Action])[] = [
    ["swarm s1@42 to 3", { ...base, kind: "scale-swarm-service", id: "s1", version: 42, from: 1, to: 3 }],
    [
      "swarm create web with 2 as session@7",
      { ...base, kind: "create-swarm-service", name: "web", replicas: 2, specHash: "x" },
    ],
    [
      "compose shop/web on h1 to 2",
      {
        ...base,
        kind: "scale-compose-service",
        host: "h1",
        project: "shop",
        composeService: "web",
        configFiles: [],
        workingDirectory: "",
        from: 1,
        to: 2,
      },
    ],
  ];

  it.each(actions)("sends %s", async (line, action) => {
    asked.length = 0;
    const hands = scriptedHands({ swarm, compose });
    const [result] = await openApply(hands.tools)(hands.fence(), web, aPlanOf("web", [[action]]));
    expect(result).toMatchObject({ kind: "done" });
    expect(asked).toEqual([line]);
  });

  it.each(actions)("does not send %s once the fence has fallen", async (_line, action) => {
    asked.length = 0;
    const hands = scriptedHands({ swarm, compose });
    const [result] = await openApply(hands.tools)(hands.fence(0), web, aPlanOf("web", [[action]]));
    expect(result).toMatchObject({ kind: "skipped" });
    expect(asked).toEqual([]);
  });

  it.each(actions)("says what is missing where it cannot send %s", async (_line, action) => {
    const hands = scriptedHands();
    const [result] = await openApply(hands.tools)(hands.fence(), web, aPlanOf("web", [[action]]));
    expect(result).toMatchObject({ kind: "failed", retry: "later" });
  });

  it("looks again when somebody has changed the Swarm service meanwhile", async () => {
    const changed = { scale: async () => Promise.reject(new EngineError("conflict", "update out of sequence")) };
    const hands = scriptedHands({ swarm: changed as unknown as Swarm });
    const action = actions[0]?.[1];
    if (action === undefined) throw new Error("there is none");
    const [result] = await openApply(hands.tools)(hands.fence(), web, aPlanOf("web", [[action]]));
    expect(result).toMatchObject({ kind: "failed", retry: "look" });
  });

  it.each([0, 1])(
    "takes a Swarm task away step by step, and nothing after the fence has fallen before step %i",
    async (steps) => {
      const hands = scriptedHands();
      const action: Action = {
        ...base,
        kind: "replace-swarm-task",
        host: "h1",
        containerId: "t1",
        name: "web.1",
        graceMs: 9,
      };
      await openApply(hands.tools)(hands.fence(steps), web, aPlanOf("web", [[action]]));
      expect(hands.sent).toEqual(["h1 stop t1 within 9 ms", "h1 remove t1"].slice(0, steps));
    },
  );
});
