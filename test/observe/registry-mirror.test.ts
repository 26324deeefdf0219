import { describe, expect, it } from "vitest";
import { openRegistryMirror } from "../../src/observe/registry-mirror.ts";
import { aRegistration } from "../builders/world.ts";
import { fakeClock } from "../loop/support/fake-clock.ts";
import { scriptedRegistry } from "./support/stubs.ts";

function open() {
  const script = scriptedRegistry();
  const clock = fakeClock();
  script.services.set("web", [aRegistration("web", "heal.live.web.1.1", 1)]);
  return { script, clock, mirror: openRegistryMirror(script.registry, clock) };
}

describe("the mirror of Consul", () => {
  it("asks once, and again only after a hint", async () => {
    const { script, mirror } = open();
    await mirror.service("web", "default");
    await mirror.service("web", "default");
    expect(script.asked).toEqual(["web default"]);
    mirror.invalidate(["api"]);
    await mirror.service("web", "default");
    expect(script.asked).toHaveLength(1);
    mirror.invalidate(["web"]);
    await mirror.service("web", "default");
    mirror.invalidate(null);
    await mirror.service("web", "default");
    expect(script.asked).toHaveLength(3);
  });

  it("always asks when it is to be consistent, and keeps what it hears", async () => {
    const { script, mirror } = open();
    await mirror.service("web", "default");
    script.services.set("web", []);
    expect(await mirror.service("web", "consistent")).toMatchObject({ value: { registrations: [] } });
    expect(await mirror.service("web", "default")).toMatchObject({ value: { registrations: [] } });
    expect(script.asked).toEqual(["web default", "web consistent"]);
  });

  it("does not keep an answer that was asked for before the hint and came after it", async () => {
    const { script, mirror } = open();
    let open_ = (): void => undefined;
    script.gate = new Promise((resolve) => (open_ = resolve));
    const slow = mirror.service("web", "default");
    script.services.set("web", []);
    mirror.invalidate(["web"]);
    open_();
    expect(await slow).toMatchObject({ value: { registrations: [{ id: "heal.live.web.1" }] } });
    script.gate = null;
    expect(await mirror.service("web", "default")).toMatchObject({ value: { registrations: [] } });
  });

  it.each([
    ["no leader", { knownLeader: false }, "Consul has no leader"],
    ["an old answer", { lastContactMs: 5_001 }, "Consul's answer is 5 s old"],
    ["results left out", { filtered: true }, "Consul left out what the token may not read"],
    ["no index", { index: 0 }, "Consul's answer has no index"],
  ])("takes %s for no answer, and asks again", async (_name, says, reason) => {
    const { script, mirror } = open();
    script.says = says;
    expect(await mirror.service("web", "default")).toEqual({ kind: "unknown", reason });
    script.says = {};
    expect(await mirror.service("web", "default")).toMatchObject({ kind: "known" });
  });

  it("takes an answer of five seconds ago", async () => {
    const { script, mirror } = open();
    script.says = { lastContactMs: 5_000, index: 1 };
    expect(await mirror.service("web", "default")).toMatchObject({ kind: "known" });
  });

  it("says why it cannot tell, and never rejects", async () => {
    const { script, mirror } = open();
    script.failure = new Error("connection refused");
    expect(await mirror.service("web", "default")).toEqual({ kind: "unknown", reason: "Consul: connection refused" });
    expect(await mirror.nodes()).toEqual({ kind: "unknown", reason: "Consul: connection refused" });
  });

  it("tells nothing it was told before while hints cannot be relied on", async () => {
    const { script, mirror } = open();
    await mirror.service("web", "default");
    mirror.setTrouble("the watch is broken");
    expect(await mirror.service("web", "default")).toEqual({ kind: "unknown", reason: "the watch is broken" });
    expect(await mirror.service("web", "consistent")).toMatchObject({ kind: "known" });
    script.services.set("web", []);
    mirror.setTrouble(null);
    expect(await mirror.service("web", "default")).toMatchObject({ value: { registrations: [] } });
  });

  it("knows the nodes of at most a second ago", async () => {
    const { script, mirror, clock } = open();
    await mirror.nodes();
    await clock.advance(1_000);
    await mirror.nodes();
    expect(script.asked).toEqual(["nodes"]);
    await clock.advance(1);
    await mirror.nodes();
    expect(script.asked).toHaveLength(2);
    mirror.invalidateNodes();
    await mirror.nodes();
    expect(script.asked).toHaveLength(3);
  });
});
