import type { Standing } from "../model/plan.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { PublishedCheck, Publisher } from "../ports/publisher.ts";
import { checkLine } from "../report/present/check-text.ts";
import { EVENT } from "../report/events.ts";
import type { Listener } from "../report/reporter.ts";
import type { Decision } from "./reconcile.ts";

export interface PublishingDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly publisher: Publisher;
  /** Only the leader shows standings: two voices about one service would contradict each other. */
  readonly leads: () => boolean;
  readonly standings: () => readonly Standing[];
}

export interface Publishing extends Listener<Decision> {
  touch(): void;
  close(): Promise<void>;
}

const GATHER_MS = 100;
/** A third of the time after which Consul calls an unrefreshed check critical. */
const REFRESH_MS = 200_000;
const RETRY_MS = 5_000;

/** Keeps one check per service in Consul true, with the line that `heal check` prints. */
export function startPublishing({ clock, log, publisher, leads, standings }: PublishingDeps): Publishing {
  let cancel: Cancel | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  let shown = false;
  let refreshedAtMs = 0;
  let closed = false;

  const later = (ms: number): void => {
    if (closed || cancel !== null) return;
    cancel = clock.after(ms, () => {
      cancel = null;
      turn = turn.then(publish);
    });
  };
  const touch = (): void => {
    cancel?.();
    cancel = null;
    later(GATHER_MS);
  };
  const publish = async (): Promise<void> => {
    try {
      if (leads()) {
        const refresh = clock.steadyMs() - refreshedAtMs >= REFRESH_MS;
        await publisher.publish(standings().map(checkOf), refresh);
        if (refresh) refreshedAtMs = clock.steadyMs();
        shown = true;
      } else if (shown) {
        await publisher.withdraw();
        shown = false;
      }
      later(REFRESH_MS);
    } catch (error) {
      log.debug({ event: EVENT.consulTrouble, error }, "standings could not be published");
      later(RETRY_MS);
    }
  };

  return {
    decided({ plan }) {
      if (Object.keys(plan.services).length > 0) touch();
    },
    touch,
    async close() {
      closed = true;
      cancel?.();
      await turn;
      // What cannot be withdrawn now expires by itself, and ending must not wait for Consul.
      if (shown) await publisher.withdraw().catch(() => undefined);
    },
  };
}

function checkOf(standing: Standing): PublishedCheck {
  return { service: standing.service, status: standing.status, line: checkLine(standing) };
}
