import { type Fence } from "../../../src/loop/fence.ts";
import { openMemory, type MemoryStore } from "../../../src/loop/memory.ts";
import type { ServiceMemory } from "../../../src/model/memory.ts";
import type { Lease } from "../../../src/ports/coordination.ts";
import { fakeClock } from "./fake-clock.ts";
import { fakeConsul } from "./fake-coordination.ts";
import { noServiceMemory, noSlotMemory } from "../../../src/model/memory.ts";

const holdUnreadableMs = 60_000;

export async function aPlace() {
  const clock = fakeClock();
  const consul = fakeConsul(clock);
  const coordination = consul.processOf("live");
  const options = { holder: { node: "a", processId: 1, version: "0", address: null }, checkTtlMs: 1e9, lockDelayMs: 0 };
  const session = await coordination.openSession(options);
  const lease: Lease = (await session.acquire())!;
  let processes = 0;
  return {
    clock,
    consul,
    coordination,
    session,
    fence: fenceOf(lease),
    /** Memory as another process opens it. */
    open(): MemoryStore {
      const uuid = `process-${(processes += 1)}`;
      const random = { next: () => 0.5, uuid: () => uuid };
      return openMemory({ coordination, clock, random }, { holdUnreadableMs });
    },
    keys: async () => (await coordination.loadMemory("")).map(({ key }) => key).toSorted(),
  };
}

function fenceOf(lease: Lease): Fence {
  return { lease, mayAct: () => true, assertMayAct: () => `${lease.sessionId}@${lease.lockIndex}` };
}

export function aService(nowMs: number, changes: Partial<ServiceMemory> = {}): ServiceMemory {
  return {
    ...noServiceMemory,
    slots: { 1: { ...noSlotMemory, generation: 3, host: "h1", specHash: "abc", healthySinceMs: nowMs - 5_000 } },
    status: 2,
    statusSinceMs: nowMs - 1_000,
    registrations: 2,
    ...changes,
  };
}
