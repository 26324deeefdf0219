import type { Action } from "../model/action.ts";

/**
 * Waves of one service: registrations and what works on the service as a whole first, then starts in a slow start of
 * 1, 2, 4, 8 … (an image that cannot run fails once, not forty times), then what takes something away.
 */
export function inWaves(actions: readonly Action[]): readonly (readonly Action[])[] {
  const starts = actions.filter((action) => action.kind === "start-instance");
  const repairs = actions.filter(
    (action) => action.kind === "register-instance" || action.kind === "deregister-instance",
  );
  const scales = actions.filter(
    (action) =>
      action.kind === "scale-swarm-service" ||
      action.kind === "create-swarm-service" ||
      action.kind === "scale-compose-service",
  );
  const stops = actions.filter(
    (action) =>
      action.kind === "stop-instance" || action.kind === "remove-instance" || action.kind === "replace-swarm-task",
  );
  return [repairs, scales, ...slowStart(starts), stops].filter((wave) => wave.length > 0);
}

function slowStart<T>(items: readonly T[]): readonly (readonly T[])[] {
  const waves: T[][] = [];
  let size = 1;
  for (let from = 0; from < items.length;) {
    waves.push(items.slice(from, from + size));
    from += size;
    size *= 2;
  }
  return waves;
}
