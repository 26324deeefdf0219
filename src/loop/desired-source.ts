import { acceptNewDesiredState } from "../desired/accept.ts";
import type { LoadedDesiredState } from "../desired/load-desired-state.ts";
import type { DesiredStateTrouble } from "../model/alert.ts";
import type { DesiredState } from "../model/service.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { EVENT } from "../report/events.ts";

/** The desired state in force: the last one that was valid and accepted. */
export interface DesiredSource {
  /** One without services while none has ever been valid; `trouble` then says why. */
  current(): DesiredState;
  /** What is wrong with the files as they are now; null when nothing is. */
  trouble(): DesiredStateTrouble | null;
  /** Reads the files anew and tells which services are new, changed or gone. Never rejects. */
  reload(confirmed?: string): Promise<Reloaded>;
}

export type Reloaded =
  | { readonly kind: "same" }
  | { readonly kind: "changed"; readonly gone: readonly string[] }
  | { readonly kind: "refused"; readonly problems: DesiredStateTrouble["problems"] };

export interface DesiredSourceDeps {
  readonly load: () => Promise<LoadedDesiredState>;
  readonly clock: Clock;
  readonly log: Log;
  readonly environment: string;
}

/** Nothing is in force yet: `reload` first. */
export function openDesiredSource({ load, clock, log, environment }: DesiredSourceDeps): DesiredSource {
  let last: DesiredState | null = null;
  let trouble: DesiredStateTrouble | null = null;

  const refuse = (problems: DesiredStateTrouble["problems"]): Reloaded => {
    trouble = { problems, sinceMs: trouble?.sinceMs ?? clock.steadyMs(), lastGoodInForce: last !== null };
    log.warn({ event: EVENT.desiredRefused, problems, lastGoodInForce: last !== null }, "desired state refused");
    return { kind: "refused", problems };
  };

  return {
    // Before the first valid state nothing is asked for, and so nothing is done.
    current: () => last ?? { environment, services: {}, sources: {}, hash: "" },
    trouble: () => trouble,
    async reload(confirmed) {
      const loaded = await load();
      if (loaded.kind === "invalid") return refuse(loaded.problems);
      const next = loaded.desired;
      const acceptance = acceptNewDesiredState(last, next, confirmed ?? null);
      if (acceptance.kind === "needs-confirmation") {
        const expected = `a restart, or \`heal confirm ${acceptance.confirm}\` if this is meant`;
        return refuse([{ file: "desired state", line: 1, column: 1, message: acceptance.reason, expected }]);
      }
      trouble = null;
      if (last?.hash === next.hash) return { kind: "same" };
      const gone = Object.keys(last?.services ?? {}).filter((name) => next.services[name] === undefined);
      last = next;
      log.info(
        { event: EVENT.desiredAccepted, services: Object.keys(next.services).length, hash: next.hash },
        "desired state accepted",
      );
      return { kind: "changed", gone };
    },
  };
}
