import type { DockerConnection } from "./connection.ts";
import { asOptional, asRecord, asText } from "../answer.ts";

export interface EngineIdentity {
  readonly id: string;
  readonly swarmNodeId: string | null;
  readonly swarmManager: boolean;
}

/** `info` costs the engine ten times what a list does, and more while it clears up: it is asked again only now and then. */
const askAgainAfterMs = 30_000;
const trustedForMs = 2 * askAgainAfterMs;

/**
 * Who the engine is. The answer is kept for a minute as long as the engine answers without a failure in between: one that
 * was rebuilt or restarted had to be away for a moment. After half of that it is asked again while nobody waits for it.
 */
export class Identity {
  readonly #connection: DockerConnection;
  readonly #infoMs: number;
  #known: { readonly identity: EngineIdentity; readonly atMs: number } | null = null;
  #asking: Promise<EngineIdentity> | null = null;

  constructor(connection: DockerConnection, infoMs: number) {
    this.#connection = connection;
    this.#infoMs = infoMs;
  }

  async read(over?: "anew"): Promise<EngineIdentity> {
    try {
      await this.#connection.ping({ over });
      const known = this.#known;
      const ageMs = known === null ? Infinity : this.#connection.clock.steadyMs() - known.atMs;
      if (known === null || ageMs >= trustedForMs) return await this.#askOnce();
      if (ageMs >= askAgainAfterMs) void this.#askOnce().catch(() => this.#forget());
      return known.identity;
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  /** Also what is being asked: it may be an engine's answer that was there before the failure. */
  #forget(): void {
    this.#known = null;
    this.#asking = null;
  }

  #askOnce(): Promise<EngineIdentity> {
    if (this.#asking !== null) return this.#asking;
    const asking = this.#ask();
    this.#asking = asking;
    asking.then(
      (identity) => {
        if (this.#asking !== asking) return;
        this.#asking = null;
        this.#known = { identity, atMs: this.#connection.clock.steadyMs() };
      },
      () => undefined,
    );
    return asking;
  }

  #ask(): Promise<EngineIdentity> {
    return this.#connection.call("ask who it is", this.#infoMs, async (docker) => {
      const info = asRecord(await docker.info(), "info");
      const swarm = asRecord(info["Swarm"] ?? {}, "info.Swarm");
      return {
        id: asText(info["ID"], "info.ID"),
        swarmNodeId: asOptional(swarm["NodeID"], "info.Swarm.NodeID", asText) || null,
        swarmManager: swarm["ControlAvailable"] === true,
      };
    });
  }
}
