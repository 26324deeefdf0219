import { openDesiredSource } from "../loop/desired-source.ts";
import type { DesiredSource } from "../loop/desired-source.ts";
import type { Leadership } from "../loop/leadership.ts";
import { startLeadership, watchOnly } from "../loop/leadership.ts";
import { defaultTerms } from "../loop/lease.ts";
import type { MemoryStore } from "../loop/memory.ts";
import { openMemory } from "../loop/memory.ts";
import type { Decision, World } from "../loop/reconcile.ts";
import { openWorld } from "../loop/world.ts";
import { openDesiredStateLoader } from "../desired/same-files.ts";
import type { Log } from "../ports/log.ts";
import type { Board } from "../report/board.ts";
import { openBoard } from "../report/board.ts";
import type { Listener } from "../report/reporter.ts";
import { openReporter } from "../report/reporter.ts";
import type { Settings } from "../settings/settings.ts";
import type { Adapters } from "./adapters.ts";

/** One environment, put together and not yet moving: what the daemon and a one-shot command have in common. */
export interface Assembly {
  readonly world: World;
  readonly board: Board;
  readonly memory: MemoryStore;
  readonly desired: DesiredSource;
  /** Takes part in the election from the first call on. */
  readonly leadership: () => Leadership;
  /** The election, if it has been entered. */
  readonly entered: () => Leadership | null;
}

export interface AssemblyHooks {
  readonly log: Log;
  readonly listeners: readonly Listener<Decision>[];
  readonly onRuntimeChange: (services: readonly string[] | null) => void;
  /** Whether Docker's events keep the picture true. */
  readonly followsEvents: boolean;
  /** Takes no part in the election. */
  readonly watchOnly: boolean;
}

export function assemble(settings: Settings, adapters: Adapters, hooks: AssemblyHooks): Assembly {
  const { clock, random, coordination, files, tools } = adapters;
  const desired = openDesiredSource({
    load: openDesiredStateLoader(files, settings),
    clock,
    log: hooks.log,
    environment: settings.environment,
  });
  const memory = openMemory({ coordination, clock, random }, { holdUnreadableMs: settings.tuning.inFlightMs });
  const board = openBoard(settings.environment, hooks);
  let leadership: Leadership | null = null;
  const enter = (): Leadership => {
    const { checkTtlMs, lockDelayMs } = settings.leadership;
    const terms = { ...defaultTerms, checkTtlMs, lockDelayMs };
    leadership ??= hooks.watchOnly
      ? watchOnly(clock)
      : startLeadership({ coordination, clock, random }, { holder: adapters.leader, terms });
    return leadership;
  };
  const world = openWorld({
    tools,
    desired: desired.current,
    memory,
    fence: () => enter().current(),
    report: openReporter({ board, clock, log: hooks.log, listeners: hooks.listeners }),
    tuning: settings.tuning,
    onRuntimeChange: hooks.onRuntimeChange,
  });
  return { world, board, memory, desired, leadership: enter, entered: () => leadership };
}
