import type { Coordination, Lease, Session } from "../../src/ports/coordination.ts";
import { RegistryError } from "../../src/ports/registry.ts";
import { assertLeader, blockingRead, lineTo } from "./consul-line.ts";
import type { ConsulDeps } from "./consul-line.ts";
import { LEADER_TOPIC } from "./consul-sessions.ts";
import type { Process } from "./process.ts";
import { ask } from "./wire.ts";

export interface SimulatedCoordinationDeps extends ConsulDeps {
  readonly witness: CoordinationWitness;
}

/** Hears when renewals are sent and answered, and of every lease that was given. */
export interface CoordinationWitness {
  opened(process: Process, session: string, checkTtlMs: number, lockDelayMs: number): void;
  renewed(process: Process, session: string, sentAtMs: number): void;
  acquired(process: Process, lease: Lease): void;
  /** Memory was written, as the process has just been told. */
  remembered(process: Process, keys: readonly string[]): void;
}

const deadlineMs = 5_000;
const calls = {
  register: { name: "session.register", mutates: true, deadlineMs },
  create: { name: "session.create", mutates: true, deadlineMs },
  renew: { name: "session.renew", mutates: true, deadlineMs },
  acquire: { name: "session.acquire", mutates: true, deadlineMs },
  readLock: { name: "session.readLock", mutates: false, deadlineMs },
  release: { name: "session.release", mutates: true, deadlineMs },
  load: { name: "memory.load", mutates: false, deadlineMs },
  commit: { name: "memory.commit", mutates: true, deadlineMs },
} as const;

/** One of the 64 operations of a Consul transaction asks for the lock; and a value is no longer than this. */
const writesMax = 63;
const textMax = 280_000;

const checkAppearsWithinMs = 5_000;
const checkLookEveryMs = 50;

/** The Coordination port of one controller, made of the same requests as the real one. */
export function simulatedCoordination(deps: SimulatedCoordinationDeps): Coordination {
  const { agent, keys, process, witness } = deps;
  const { clock } = process;
  const line = lineTo(deps, agent);
  const led = <T>(call: (typeof calls)[keyof typeof calls], serve: () => T): Promise<T> =>
    ask(line, call, () => {
      assertLeader(deps);
      return serve();
    });

  return {
    async openSession({ holder, checkTtlMs, lockDelayMs }): Promise<Session> {
      const serviceId = `heal-${process.dice.uuid()}`;
      await ask(line, calls.register, () => {
        agent.registerTtl(serviceId, "heal", checkTtlMs);
        agent.passTtl(serviceId);
      });
      const takeBack = (): Promise<void> => ask(line, calls.register, () => agent.deregister(serviceId));
      const create = async (): Promise<string> => {
        const untilMs = clock.steadyMs() + checkAppearsWithinMs;
        for (;;) {
          const id = await led(calls.create, () => keys.createSession(agent.node, serviceId, lockDelayMs));
          if (id !== null) return id;
          if (clock.steadyMs() >= untilMs) throw new RegistryError("unclear", "Missing check");
          await clock.sleep(checkLookEveryMs);
        }
      };
      const id = await create().catch(async (error: unknown) => {
        await takeBack().catch(() => {});
        throw error;
      });
      witness.opened(process, id, checkTtlMs, lockDelayMs);

      return {
        id,
        async renew() {
          const sentAtMs = clock.steadyMs();
          await ask(line, calls.renew, () => {
            if (!agent.passTtl(serviceId)) throw new RegistryError("refused", `Unknown check "service:${serviceId}"`);
          });
          witness.renewed(process, id, sentAtMs);
        },
        async acquire() {
          const taken = await led(calls.acquire, () => keys.acquire(id, holder) !== null);
          if (!taken) return null;
          const { lease } = await led(calls.readLock, () => keys.leader());
          if (lease?.sessionId !== id) return null;
          witness.acquired(process, lease);
          return lease;
        },
        async close() {
          await led(calls.release, () => keys.release(id));
          await led(calls.release, () => keys.destroySession(id));
          await takeBack();
        },
      };
    },
    readLeader: (options) =>
      blockingRead(deps, "session.readLeader", LEADER_TOPIC, options, () => {
        assertLeader(deps);
        return keys.leader();
      }),
    loadMemory: (prefix = "memory/") => led(calls.load, () => keys.entries(prefix)),
    async commit(lease, writes) {
      const entries: { key: string; modifyIndex: number }[] = [];
      for (let from = 0; from === 0 || from < writes.length; from += writesMax) {
        const part = writes.slice(from, from + writesMax);
        const large = part.find((write) => (write.text?.length ?? 0) > textMax);
        if (large !== undefined) throw new RegistryError("refused", `${large.key} is too large for Consul`);
        const result = await led(calls.commit, () => keys.commit(lease, part));
        if (result.kind !== "committed") return result;
        entries.push(...result.entries);
      }
      witness.remembered(
        process,
        writes.map(({ key }) => key),
      );
      return { kind: "committed", entries };
    },
  };
}
