import { expect } from "vitest";
import type { RedisAction } from "../../../src/model/action.ts";
import type { RedisMemory, RedisNode, RegistrationKey } from "../../../src/model/redis.ts";
import { noRedisMemory, tagsByRole } from "../../../src/model/redis.ts";
import type { RedisDecision, RedisSituation } from "../../../src/plan/redis/situation.ts";
import { decideRoles } from "../../../src/plan/redis/decide.ts";
import { intendRoles, learnRoles } from "../../../src/plan/redis/memory.ts";
import { addressOf, aGroup, aPart, NOW_MS, roles } from "../../builders/redis.ts";

/** One process of the model. `data` counts the acknowledged writes that it holds. */
interface Process {
  readonly slot: number;
  generation: number;
  runs: number;
  alive: boolean;
  follows: number | null;
  linked: boolean;
  everLinked: boolean;
  /** Which run of its master it is connected to; null: it connects as soon as it can. */
  connectedTo: string | null;
  data: number;
  history: string;
}

/**
 * A group of Redis processes, its tags in Consul and `heal`'s Memory, as simple as they can be: replication is at once,
 * and every effect of an action is a step at which `heal` may die. Safety is checked after each of them.
 */
export class GroupModel {
  readonly processes: Process[];
  readonly tags: string[][];
  memory: RedisMemory = noRedisMemory;
  acknowledged = 0;

  constructor(count: number) {
    this.processes = Array.from({ length: count }, (_, index) => fresh(index + 1, 1));
    this.tags = this.processes.map(() => []);
  }

  kill(slot: number): void {
    this.at(slot).alive = false;
  }
  /** The same container runs again, without its data. */
  restartEmpty(slot: number): void {
    const process = this.at(slot);
    const runs = process.runs + 1;
    Object.assign(process, fresh(slot, process.generation), { runs, history: `${slot}.${process.generation}.${runs}` });
  }
  /** A client that asks Consul writes to whom it is sent, and replicas have it at once. */
  write(): void {
    this.replicate();
    const tagged = this.processes.find(({ slot }) => this.tagsOf(slot).includes("master"));
    if (tagged?.alive === true && tagged.follows === null) {
      this.acknowledged += 1;
      tagged.data = this.acknowledged;
    }
    this.replicate();
  }
  /** A replica whose master began anew comes back to it only after a while: that is the time in which to act. */
  replicate(reconnects = false): void {
    for (const process of this.processes) {
      const master = process.follows === null ? null : this.at(process.follows);
      const run = master === null ? null : `${master.generation}.${master.runs}`;
      const mayConnect = reconnects || process.connectedTo === null || process.connectedTo === run;
      process.linked = process.alive && master !== null && master.alive && master.follows === null && mayConnect;
      if (!process.linked || master === null) continue;
      process.connectedTo = run;
      process.data = master.data;
      process.history = master.history;
      process.everLinked = true;
    }
  }

  /** One pass of `heal`, which dies after so many effects. Gives what was decided. */
  pass(effectsMax = Number.POSITIVE_INFINITY): RedisDecision {
    this.replicate();
    const decision = decideRoles(this.situation());
    this.memory = intendRoles(decision.memory, decision.actions, NOW_MS);
    let left = effectsMax;
    const effect = (work: () => void): boolean => {
      if (left <= 0) return false;
      left -= 1;
      work();
      this.replicate();
      this.checkSafety();
      return true;
    };
    for (const action of decision.actions) if (!this.perform(action, effect)) return decision;
    const results = decision.actions.map((action) => ({ kind: "done" as const, action, tookMs: 0, note: null }));
    this.memory = learnRoles(this.memory, results, NOW_MS);
    if (!decision.busy) this.replaceEnded();
    return decision;
  }
  /** Time passes: cooldowns are over, and who lost his connection has it again. */
  rest(): void {
    this.replicate(true);
    this.memory = { ...this.memory, cooldownUntilMs: 0, notBeforeMs: {}, waitingSinceMs: null };
  }

  masters(): readonly Process[] {
    return this.processes.filter(({ slot }) => this.tagsOf(slot).includes("master"));
  }

  private perform(action: RedisAction, effect: (work: () => void) => boolean): boolean {
    const slotOf = (ref: { readonly containerId: string }): number => Number(ref.containerId.split("-")[1]);
    const retag = (
      master: RegistrationKey | null,
      replicas: readonly RegistrationKey[],
      unsure: readonly RegistrationKey[],
    ): void => {
      for (const [index, tags] of this.tags.entries()) {
        const key = keyOf(index + 1);
        this.tags[index] = [...tagsByRole(key, tags, { ...roles, master, replicas, unsure })];
      }
    };
    switch (action.kind) {
      case "configure-redis":
      case "forget-role":
        return effect(() => undefined);
      case "retag-roles":
        return effect(() => retag(action.master, action.replicas, action.unsure));
      case "attach-replica":
        return effect(() => this.follow(slotOf(action.node), slotOf(action.master)));
      case "promote-replica": {
        const to = slotOf(action.to);
        const others = action.others.map(slotOf);
        return (
          effect(() => retag(null, [], [to, ...others].map(keyOf))) &&
          effect(() => this.follow(to, null)) &&
          others.every((other) => effect(() => this.follow(other, to))) &&
          (this.at(to).alive ? effect(() => retag(keyOf(to), others.map(keyOf), [])) : true)
        );
      }
      case "switch-over": {
        const [from, to] = [slotOf(action.from), slotOf(action.to)];
        return (
          effect(() => this.follow(from, to)) &&
          effect(() => this.follow(to, null)) &&
          (this.at(to).alive ? effect(() => retag(keyOf(to), [keyOf(from)], [])) : true)
        );
      }
    }
  }

  private follow(slot: number, master: number | null): void {
    const process = this.at(slot);
    if (!process.alive) return;
    process.follows = master;
    process.connectedTo = null;
  }
  private replaceEnded(): void {
    for (const process of this.processes) {
      if (process.alive) continue;
      Object.assign(process, fresh(process.slot, process.generation + 1));
      this.tags[process.slot - 1] = [];
    }
  }

  private checkSafety(): void {
    const masters = this.masters();
    expect(masters.length, "S14: never two master tags").toBeLessThanOrEqual(1);
    for (const master of masters) {
      if (!master.alive) continue;
      const richest = Math.max(...this.processes.filter(({ alive }) => alive).map(({ data }) => data));
      if (richest > 0) expect(master.data, "S18: an empty node never serves beside data").toBeGreaterThan(0);
    }
  }

  private situation(): RedisSituation {
    const parts = this.processes.map((process) => {
      const { slot, alive, generation } = process;
      const part = aPart(slot, {
        says: this.sayingOf(process),
        state: alive ? "running" : "exited",
        tags: this.tagsOf(slot),
      });
      const id = `container-${slot}-${generation}`;
      return {
        instance: { ...part.instance, container: { ...part.instance.container, id } },
        view: part.view === null ? null : { ...part.view, containerId: id },
      };
    });
    return { ...aGroup(parts, { master: null }), memory: this.memory };
  }

  private sayingOf({
    slot,
    generation,
    runs,
    follows,
    linked,
    everLinked,
    data,
    history,
  }: Process): Partial<RedisNode> {
    const link = { up: linked, syncing: false, downForMs: linked ? 0 : everLinked ? 1_000 : null };
    return {
      role: follows === null ? "master" : "replica",
      runId: `run-${slot}-${generation}-${runs}`,
      replicationId: history,
      offset: data,
      empty: data === 0,
      follows: follows === null ? null : { master: addressOf(follows), ...link },
    };
  }

  private tagsOf(slot: number): readonly string[] {
    return this.tags[slot - 1] ?? [];
  }
  private at(slot: number): Process {
    const process = this.processes[slot - 1];
    if (process === undefined) throw new Error(`no slot ${slot}`);
    return process;
  }
}

function keyOf(slot: number): RegistrationKey {
  return `n1/heal.live.cache.${slot}`;
}

function fresh(slot: number, generation: number): Process {
  return {
    slot,
    generation,
    runs: 1,
    alive: true,
    follows: null,
    linked: false,
    everLinked: false,
    connectedTo: null,
    data: 0,
    history: `${slot}.${generation}.1`,
  };
}
