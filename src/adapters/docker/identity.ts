import type { DockerConnection } from "./connection.ts";
import { asOptional, asRecord, asText } from "../answer.ts";

export interface EngineIdentity {
  readonly id: string;
  readonly swarmNodeId: string | null;
  readonly swarmManager: boolean;
}

/** `info` costs the engine ten times what a list does, so who it is is asked again only now and then. */
const trustedForMs = 30_000;

/**
 * Who the engine is. The answer is kept for half a minute as long as the engine answers without a failure in between:
 * one that was rebuilt or restarted had to be away for a moment.
 */
export class Identity {
  readonly #connection: DockerConnection;
  readonly #infoMs: number;
  #known: { readonly identity: EngineIdentity; readonly untilMs: number } | null = null;

  constructor(connection: DockerConnection, infoMs: number) {
    this.#connection = connection;
    this.#infoMs = infoMs;
  }

  async read(over?: "anew"): Promise<EngineIdentity> {
    try {
      await this.#connection.ping({ over });
      if (this.#known === null || this.#connection.clock.steadyMs() >= this.#known.untilMs) {
        const identity = await this.#ask();
        this.#known = { identity, untilMs: this.#connection.clock.steadyMs() + trustedForMs };
      }
      return this.#known.identity;
    } catch (error) {
      this.#known = null;
      throw error;
    }
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
