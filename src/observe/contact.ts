import type { Known } from "../model/known.ts";
import { known, unknown } from "../model/known.ts";
import type { Clock } from "../ports/clock.ts";

export interface EngineFacts {
  readonly id: string;
  readonly swarmNodeId: string | null;
  readonly swarmManager: boolean;
}

/** Whether an engine answers, since when it does not, and who it said it was. */
export interface Contact {
  facts(): Known<EngineFacts>;
  /** Since its last sign of life; null while it answers, and before it was ever asked. */
  silentSinceMs(): number | null;
  /** The last one it told, also while it is silent. */
  swarmNodeId(): string | null;
  /**
   * Asks it something. It answers from then on, unless something else has failed meanwhile: what was begun before that
   * proves nothing. When the question fails, it is silent. Never rejects.
   */
  ask(question: () => Promise<EngineFacts>): Promise<void>;
  /** A sign of life: too late or too little to rely on what it says, and yet no dead host gives one. */
  lives(): void;
  failed(error: unknown): void;
}

/** `onTurn` is called when it begins and when it ceases to answer. */
export function openContact(host: string, clock: Clock, onTurn: () => void): Contact {
  let facts: Known<EngineFacts> = unknown("not asked yet");
  let swarmNodeId: string | null = null;
  let lastContactMs: number | null = null;
  let silentSinceMs: number | null = null;
  let failures = 0;

  const answered = (value: EngineFacts): void => {
    const isNews = facts.kind === "unknown";
    lastContactMs = clock.steadyMs();
    facts = known(value, lastContactMs);
    swarmNodeId = value.swarmNodeId;
    silentSinceMs = null;
    if (isNews) onTurn();
  };
  const failed = (error: unknown): void => {
    const isNews = silentSinceMs === null;
    failures += 1;
    silentSinceMs ??= lastContactMs ?? clock.steadyMs();
    facts = unknown(`the engine of ${host} does not answer: ${error instanceof Error ? error.message : String(error)}`);
    if (isNews) onTurn();
  };
  const lives = (): void => {
    lastContactMs = clock.steadyMs();
    if (silentSinceMs !== null) silentSinceMs = lastContactMs;
  };
  return {
    facts: () => facts,
    silentSinceMs: () => silentSinceMs,
    swarmNodeId: () => swarmNodeId,
    async ask(question) {
      const failuresBefore = failures;
      try {
        const value = await question();
        if (failures === failuresBefore) answered(value);
        else lives();
      } catch (error) {
        failed(error);
      }
    },
    lives,
    failed,
  };
}
