import type Docker from "dockerode";
import { EngineError } from "../../ports/engine.ts";

/** An engine that may be a Swarm manager: the calls of its adapter that are needed here. */
export interface Manager {
  readonly host: string;
  call<T>(what: string, deadlineMs: number, send: (docker: Docker) => Promise<T>): Promise<T>;
  follow(
    filters: Docker.GetEventsOptions["filters"],
    signal: AbortSignal,
    onOpen: () => void,
    onEvent: (event: unknown) => void,
  ): Promise<void>;
}

export interface Managers {
  /** Through the first manager that answers. */
  read<T>(ask: (manager: Manager) => Promise<T>): Promise<T>;
  /** The same, but another is tried only when it is certain that the one before has done nothing. */
  write<T>(ask: (manager: Manager) => Promise<T>): Promise<T>;
}

/**
 * Any manager serves any request, so the one that answered last is asked first. Engines that are no managers are
 * passed over. Rejects with what the last one said.
 */
export function anyOf(managers: readonly Manager[]): Managers {
  let preferred = 0;

  async function through<T>(
    ask: (manager: Manager) => Promise<T>,
    mayGoOn: (error: EngineError) => boolean,
  ): Promise<T> {
    let refusal = new EngineError("unreachable", "no engine of the environment is a Swarm manager");
    const first = preferred;
    for (let turn = 0; turn < managers.length; turn += 1) {
      const position = (first + turn) % managers.length;
      try {
        const answer = await ask(managers[position] as Manager);
        preferred = position;
        return answer;
      } catch (error) {
        if (!(error instanceof EngineError) || !mayGoOn(error)) throw error;
        // That one is no manager says less than why another could not be asked.
        if (!isNoManager(error)) refusal = error;
      }
    }
    throw refusal;
  }

  return {
    read: (ask) =>
      through(ask, (error) => error.kind === "unreachable" || error.kind === "unclear" || isNoManager(error)),
    write: (ask) => through(ask, (error) => error.kind === "unreachable" || isNoManager(error)),
  };
}

function isNoManager(error: EngineError): boolean {
  return error.kind === "refused" && /not a swarm manager|not part of a swarm/i.test(error.message);
}
