import { createTask } from "node-cron";

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined };

/** Runs `work` by a cron expression in a time zone, never twice at once. Returns how to end it. */
export function schedule(expression: string, timezone: string, work: () => Promise<void>): () => void {
  const task = createTask(expression, work, { timezone, noOverlap: true, logger: quiet });
  void task.start();
  return () => void task.destroy();
}
