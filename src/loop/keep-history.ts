import type { HistoryEntry } from "../model/report.ts";
import type { Board } from "../report/board.ts";
import type { Listener } from "../report/reporter.ts";
import type { Fence } from "./fence.ts";
import type { HistoryStore } from "./history.ts";
import type { Decision } from "./reconcile.ts";

/** Saves what the board has recorded whenever a pass has added to it. */
export function keepHistory(board: Board, history: HistoryStore, fence: () => Fence): Listener<Decision> {
  const saved = new Map<string, readonly HistoryEntry[]>();
  return {
    acted({ service }) {
      const entries = board.history(service);
      if (entries.length === 0 || saved.get(service) === entries) return;
      saved.set(service, entries);
      history.save(fence(), service, entries);
    },
  };
}
