import type { Action } from "../model/action.ts";
import { isRedisAction } from "../model/action.ts";

/**
 * Waves of one service: what an agent is to forget before somebody else gets a tag; a change of a Redis master and the tags
 * that go with it; registrations early, since clients miss what is not listed; then what works on the service as a whole;
 * then starts in a slow start of 1, 2, 4, 8 … (an image that cannot run fails once, not forty times), or as many at first
 * as are `proven`: healthy by the same specification; and last what takes something away, and then what makes replicas,
 * which may take long.
 */
export function inWaves(actions: readonly Action[], proven: number): readonly (readonly Action[])[] {
  const starts: Action[] = [];
  const repairs: Action[] = [];
  const scales: Action[] = [];
  const stops: Action[] = [];
  const forgets: Action[] = [];
  const changes: Action[] = [];
  const tags: Action[] = [];
  const replicas: Action[] = [];
  for (const action of actions) {
    switch (action.kind) {
      case "start-instance":
        starts.push(action);
        break;
      case "register-instance":
      case "deregister-instance":
        repairs.push(action);
        break;
      case "scale-swarm-service":
      case "create-swarm-service":
      case "scale-compose-service":
        scales.push(action);
        break;
      case "forget-role":
        forgets.push(action);
        break;
      case "promote-replica":
      case "switch-over":
        changes.push(action);
        break;
      case "retag-roles":
        tags.push(action);
        break;
      default:
        (isRedisAction(action) ? replicas : stops).push(action);
    }
  }
  const waves = [forgets, changes, tags, repairs, scales, ...slowStart(starts, Math.max(1, proven)), stops, replicas];
  return waves.filter((wave) => wave.length > 0);
}

function slowStart<T>(items: readonly T[], first: number): readonly (readonly T[])[] {
  const waves: T[][] = [];
  let size = first;
  for (let from = 0; from < items.length;) {
    waves.push(items.slice(from, from + size));
    from += size;
    size *= 2;
  }
  return waves;
}
