import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CheckStatus } from "../../../src/model/instance.ts";
import type { HealthCheck } from "../../../src/model/service.ts";
import { RegistryError, type NewRegistration, type Registry } from "../../../src/ports/registry.ts";

/** What a suite needs besides the registry itself: ways to make things happen in it. */
export interface RegistryUnderTest {
  readonly registry: Registry;
  /** A host with an agent. */
  readonly host: string;
  /** What a check says from now on; the registration has a TTL check. */
  setStatus(registrationId: string, status: CheckStatus, output: string): Promise<void>;
  writeKey(key: string, value: string): Promise<void>;
  deleteKey(key: string): Promise<void>;
  close(): Promise<void>;
}

export const ttlHealth: HealthCheck = {
  probe: { kind: "ttl", ttlMs: 600_000 },
  port: null,
  intervalMs: 1_000,
  timeoutMs: 500,
  startGraceMs: 0,
  deregisterAfterMs: null,
};

export function aRegistration(name: string, slot: number, changes: Partial<NewRegistration> = {}): NewRegistration {
  return {
    id: `${name}.${slot}`,
    name,
    address: "192.0.2.7",
    port: 8_000 + slot,
    tags: ["v1"],
    meta: { "heal-slot": String(slot) },
    tagOverride: false,
    health: ttlHealth,
    initialStatus: "passing",
    ...changes,
  };
}

/** Registers the tests that every `Registry` passes. Names are unique, so that a shared Consul will do. */
export function registryContract(kind: string, open: () => Promise<RegistryUnderTest>): void {
  describe(`${kind} as a registry`, () => {
    const run = Math.random().toString(36).slice(2, 8);
    let names = 0;
    let under: RegistryUnderTest;
    let registry: Registry;
    const registered: string[] = [];
    const fresh = { consistency: "consistent" } as const;

    beforeAll(async () => {
      under = await open();
      registry = under.registry;
    });

    afterAll(async () => {
      const node = await registry.nodeOf(under.host);
      for (const id of registered) await registry.deregister(node, id);
      await under.close();
    });

    const aName = (): string => `contract-${run}-${(names += 1)}`;

    async function register(registration: NewRegistration): Promise<NewRegistration> {
      registered.push(registration.id);
      await registry.register(under.host, registration);
      return registration;
    }

    async function only(name: string) {
      const { value } = await registry.readService(name, fresh);
      expect(value).toHaveLength(1);
      return value[0]!;
    }

    /** An agent tells the servers a moment after it was told itself. */
    const soon = { timeout: 5_000, interval: 20 } as const;

    it("shows a registration as it was made, with the node that owns it", async () => {
      const made = await register(aRegistration(aName(), 1, { tags: ["v1", "blue"], tagOverride: true }));
      await expect.poll(async () => (await registry.readService(made.name, fresh)).value.length, soon).toBe(1);
      const { modifyIndex, output: _output, ...seen } = await only(made.name);
      expect(seen).toEqual({
        id: made.id,
        name: made.name,
        node: await registry.nodeOf(under.host),
        nodeStatus: "passing",
        address: "192.0.2.7",
        port: 8_001,
        tags: ["v1", "blue"],
        meta: { "heal-slot": "1" },
        status: "passing",
        inMaintenance: false,
      });
      expect(modifyIndex).toBeGreaterThan(0);
    });

    it("answers an unknown service with nothing, from a cluster with a leader and nothing left out", async () => {
      const answer = await registry.readService(aName(), fresh);
      expect(answer).toMatchObject({ value: [], knownLeader: true, filtered: false });
      expect(answer.index).toBeGreaterThanOrEqual(1);
      expect(answer.lastContactMs).toBeLessThan(1_000);
    });

    it("starts a check with the status it is told", async () => {
      const made = await register(aRegistration(aName(), 1, { initialStatus: "critical" }));
      await expect
        .poll(async () => (await registry.readService(made.name, fresh)).value[0]?.status, soon)
        .toBe("critical");
    });

    it("calls a registration without a check passing", async () => {
      const made = await register(aRegistration(aName(), 1, { health: null, initialStatus: "critical" }));
      await expect
        .poll(async () => (await registry.readService(made.name, fresh)).value[0]?.status, soon)
        .toBe("passing");
    });

    it("shows what a check says, and the status it gives", async () => {
      const made = await register(aRegistration(aName(), 1));
      for (const status of ["warning", "critical", "passing"] as const) {
        await under.setStatus(made.id, status, `it is ${status}`);
        await expect
          .poll(async () => (await registry.readService(made.name, fresh)).value[0]?.status, soon)
          .toBe(status);
        if (status !== "passing") expect((await only(made.name)).output).toBe(`it is ${status}`);
      }
    });

    it("replaces what the same id said before, its check included", async () => {
      const name = aName();
      await register(aRegistration(name, 1, { initialStatus: "critical" }));
      await expect.poll(async () => (await registry.readService(name, fresh)).value[0]?.status, soon).toBe("critical");
      await register(aRegistration(name, 1, { port: 9_999, tags: [], health: null }));
      const facts = async () =>
        (await registry.readService(name, fresh)).value.map((one) => [one.port, one.tags, one.status]);
      await expect.poll(facts, soon).toEqual([[9_999, [], "passing"]]);
    });

    it("keeps the instances of a service apart", async () => {
      const name = aName();
      for (const slot of [1, 2, 3]) await register(aRegistration(name, slot));
      await under.setStatus(`${name}.2`, "critical", "no answer");
      const statuses = async () =>
        Object.fromEntries((await registry.readService(name, fresh)).value.map((one) => [one.id, one.status]));
      await expect
        .poll(statuses, soon)
        .toEqual({ [`${name}.1`]: "passing", [`${name}.2`]: "critical", [`${name}.3`]: "passing" });
    });

    it("forgets a registration, and does not mind forgetting it twice", async () => {
      const made = await register(aRegistration(aName(), 1));
      await expect.poll(async () => (await registry.readService(made.name, fresh)).value.length, soon).toBe(1);
      const node = await registry.nodeOf(under.host);
      await registry.deregister(node, made.id);
      await expect.poll(async () => (await registry.readService(made.name, fresh)).value.length, soon).toBe(0);
      await registry.deregister(node, made.id);
    });

    it("takes an instance into maintenance and out of it again", async () => {
      const made = await register(aRegistration(aName(), 1));
      const node = await registry.nodeOf(under.host);
      const standing = async () => {
        const one = (await registry.readService(made.name, fresh)).value[0];
        return one === undefined ? null : [one.inMaintenance, one.status, one.maintenanceReason];
      };
      await registry.setMaintenance(node, made.id, "upgrade of the host");
      await expect.poll(standing, soon).toEqual([true, "critical", "upgrade of the host"]);
      await registry.setMaintenance(node, made.id, null);
      await expect.poll(standing, soon).toEqual([false, "passing", undefined]);
    });

    it("refuses a node that no agent answers to, with a sentence", async () => {
      const refused = registry.deregister("no-such-node", "no-such-registration");
      await expect(refused).rejects.toBeInstanceOf(RegistryError);
      await expect(refused).rejects.toMatchObject({
        kind: "refused",
        message: expect.stringContaining("no-such-node") as string,
      });
      await expect(registry.setMaintenance("no-such-node", "x", "why")).rejects.toMatchObject({ kind: "refused" });
    });

    it("refuses a host that has no agent", async () => {
      await expect(registry.nodeOf("no-such-host")).rejects.toMatchObject({ kind: "refused" });
      await expect(registry.register("no-such-host", aRegistration(aName(), 1))).rejects.toMatchObject({
        kind: "refused",
      });
    });

    it("lists what is not passing, by state, with its service", async () => {
      const made = await register(aRegistration(aName(), 1));
      const mine = async (state: "warning" | "critical") =>
        (await registry.readNotPassing(state, fresh)).value.filter((one) => one.serviceName === made.name);
      await under.setStatus(made.id, "warning", "slow");
      await expect.poll(async () => (await mine("warning")).map((one) => one.serviceId), soon).toEqual([made.id]);
      expect(await mine("critical")).toEqual([]);
      await under.setStatus(made.id, "critical", "dead");
      await expect.poll(async () => (await mine("critical")).map((one) => one.serviceId), soon).toEqual([made.id]);
      expect(await mine("warning")).toEqual([]);
      await under.setStatus(made.id, "passing", "well");
      await expect.poll(async () => (await mine("critical")).length, soon).toBe(0);
    });

    it("lists the names of all services, and nothing left out", async () => {
      const made = await register(aRegistration(aName(), 1));
      await expect
        .poll(async () => (await registry.readServiceNames(fresh)).value.includes(made.name), soon)
        .toBe(true);
      expect((await registry.readServiceNames(fresh)).filtered).toBe(false);
    });

    it("lists every node with its own check", async () => {
      const { value } = await registry.readNodes(fresh);
      const node = await registry.nodeOf(under.host);
      expect(value.filter((one) => one.node === node)).toEqual([
        { node, address: expect.any(String) as string, status: "passing" },
      ]);
    });

    it("lists what is registered on a node, and moves an entry's index with its registration, not with its health", async () => {
      const name = aName();
      const node = await registry.nodeOf(under.host);
      const mine = async () =>
        (await registry.readNodeServices(node, fresh)).value.filter((one) => one.serviceName === name);
      for (const slot of [1, 2]) await register(aRegistration(name, slot));
      await expect
        .poll(async () => (await mine()).map((one) => one.id).toSorted(), soon)
        .toEqual([`${name}.1`, `${name}.2`]);
      const before = await mine();
      await under.setStatus(`${name}.1`, "critical", "dead");
      await expect
        .poll(async () => (await registry.readService(name, fresh)).value.map((one) => one.status), soon)
        .toContain("critical");
      expect(await mine()).toEqual(before);
      await register(aRegistration(name, 1, { port: 9_001 }));
      const indexOf = (entries: typeof before, id: string) => entries.find((one) => one.id === id)?.modifyIndex ?? 0;
      await expect
        .poll(async () => indexOf(await mine(), `${name}.1`), soon)
        .toBeGreaterThan(indexOf(before, `${name}.1`));
      expect(indexOf(await mine(), `${name}.2`)).toBe(indexOf(before, `${name}.2`));
      expect((await registry.readNodeServices("no-such-node", fresh)).value).toEqual([]);
    });

    it("says the same of a service that is asked for with two hundred others as of one that is asked for alone", async () => {
      const names = [aName(), aName(), aName()];
      for (const name of names) for (const slot of [1, 2]) await register(aRegistration(name, slot));
      await under.setStatus(`${names[0]}.1`, "critical", "dead");
      await registry.setMaintenance(await registry.nodeOf(under.host), `${names[1]}.2`, "by hand");
      const statuses = async () => (await registry.readService(names[0]!, fresh)).value.map(({ status }) => status);
      await expect.poll(statuses, soon).toContain("critical");
      const maintained = async () =>
        (await registry.readService(names[1]!, fresh)).value.map((one) => one.inMaintenance);
      await expect.poll(maintained, soon).toContain(true);
      const byId = (answer: Awaited<ReturnType<Registry["readService"]>>) =>
        answer.value.toSorted((one, other) => one.id.localeCompare(other.id));
      const alone = await Promise.all([...names, "nobody"].map((name) => registry.readService(name, fresh)));
      const asked = Array.from({ length: 200 }, (_, at) => at % 4);
      const together = await Promise.all(
        asked.map((at) => registry.readService([...names, "nobody"][at]!, { consistency: "default" })),
      );
      for (const [position, answer] of together.entries()) {
        expect(byId(answer)).toEqual(byId(alone[asked[position]!]!));
        expect(answer).toMatchObject({ knownLeader: true, filtered: false });
        expect(answer.index).toBeGreaterThan(0);
      }
    });

    it("moves the index of the names with every registration, also of a further instance of a known service", async () => {
      const name = aName();
      await register(aRegistration(name, 1));
      await expect.poll(async () => (await registry.readServiceNames(fresh)).value.includes(name), soon).toBe(true);
      const { index } = await registry.readServiceNames(fresh);
      const blocked = registry.readServiceNames({ consistency: "default", index, waitMs: 20_000 });
      await register(aRegistration(name, 2));
      expect((await blocked).index).toBeGreaterThan(index);
    });

    it("holds an answer back until something changes", async () => {
      const name = aName();
      await register(aRegistration(name, 1));
      await expect.poll(async () => (await registry.readService(name, fresh)).value.length, soon).toBe(1);
      const { index } = await registry.readService(name, { consistency: "default" });
      const blocked = registry.readService(name, { consistency: "default", index, waitMs: 20_000 });
      await under.setStatus(`${name}.1`, "critical", "dead");
      const answer = await blocked;
      expect(answer.index).toBeGreaterThan(index);
      expect(answer.value[0]?.status).toBe("critical");
    });

    it("answers with the same index when the wait is over and nothing changed", async () => {
      const name = aName();
      await register(aRegistration(name, 1));
      await expect.poll(async () => (await registry.readService(name, fresh)).value.length, soon).toBe(1);
      const before = await registry.readService(name, { consistency: "default" });
      const after = await registry.readService(name, { consistency: "default", index: before.index, waitMs: 50 });
      expect(after).toEqual({ ...before, lastContactMs: after.lastContactMs });
    });

    it("gives up a held back answer when it is told to", async () => {
      const { index } = await registry.readServiceNames({ consistency: "default" });
      const stop = new AbortController();
      const name = aName();
      const blocked = registry.readService(name, {
        consistency: "default",
        index: index + 1_000_000,
        waitMs: 20_000,
        signal: stop.signal,
      });
      stop.abort();
      await expect(blocked).rejects.toBeInstanceOf(RegistryError);
    });

    it("reads a key as text, and null where there is none", async () => {
      const key = `contract/${run}/greeting`;
      expect(await registry.readKey(key)).toBeNull();
      await under.writeKey(key, "grüß Gott\n");
      expect(await registry.readKey(key)).toBe("grüß Gott\n");
      await under.writeKey(key, "");
      expect(await registry.readKey(key)).toBe("");
      await under.deleteKey(key);
      expect(await registry.readKey(key)).toBeNull();
    });
  });
}
