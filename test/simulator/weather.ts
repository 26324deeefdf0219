import type { EngineWeather } from "./engine.ts";
import type { Process } from "./process.ts";
import type { Dice } from "./random.ts";
import type { Truth } from "./truth.ts";
import type { Fate } from "./wire.ts";

/** One spell of bad weather: requests of some kind fare badly for a while, each with a probability. */
export interface Spell {
  readonly fate: Exclude<Fate, "normal">;
  readonly probability: number;
  /** Machine that is asked; null: any. */
  readonly to: string | null;
  /** Beginning of the names of the calls concerned; "" for all. */
  readonly calls: string;
}

export interface StormyWeather extends EngineWeather {
  /** Begins a spell and returns how to end it. */
  begin(spell: Spell): () => void;
  /** Events of a machine are lost or delayed with this probability. */
  beginEvents(machine: string, fate: "lost" | "delayed", probability: number): () => void;
  /** Told of every spell that begins. */
  onSpell(listener: () => void): void;
  onKilled(listener: (process: Process) => void): void;
  onFate(listener: (fate: Fate, call: string) => void): void;
}

const onlyMutating: ReadonlySet<Fate> = new Set(["refuse", "kill-after", "kill-before", "stop-after"]);

export function stormyWeather(dice: Dice, truth: Truth): StormyWeather {
  const spells = new Set<Spell>();
  const events = new Map<string, { readonly fate: "lost" | "delayed"; readonly probability: number }>();
  const suspended = new Set<Process>();
  let began = (): void => {};
  let killed = (_process: Process): void => {};
  let fated = (_fate: Fate, _call: string): void => {};

  return {
    isFair(to, call) {
      for (const { fate, to: only, calls } of spells) {
        if (onlyMutating.has(fate) || (only !== null && only !== to)) continue;
        if (call.startsWith(calls)) return false;
      }
      return true;
    },
    fate(_process, to, call) {
      if (spells.size === 0) return "normal";
      for (const { fate, probability, to: only, calls } of spells) {
        if (only !== null && only !== to) continue;
        if (!call.name.startsWith(calls) || !dice.chance(probability)) continue;
        // Only what changes something can be refused or be the moment of a kill worth having.
        if (!call.mutates && onlyMutating.has(fate)) continue;
        fated(fate, call.name);
        return fate;
      }
      return "normal";
    },
    killed: (process) => killed(process),
    suspended(process) {
      process.stop();
      suspended.add(process);
    },
    contacted(process, machine, call) {
      if (call.name.startsWith("engine")) truth.contacted(process, machine);
    },
    eventFate(_process, machine) {
      const fate = events.get(machine);
      return fate !== undefined && dice.chance(fate.probability) ? fate.fate : "normal";
    },
    begin(spell) {
      spells.add(spell);
      began();
      return () => {
        spells.delete(spell);
        if (spell.fate !== "stop-after") return;
        for (const process of suspended) process.resume();
        suspended.clear();
      };
    },
    beginEvents(machine, fate, probability) {
      events.set(machine, { fate, probability });
      return () => void events.delete(machine);
    },
    onSpell: (listener) => void (began = listener),
    onKilled: (listener) => void (killed = listener),
    onFate: (listener) => void (fated = listener),
  };
}
