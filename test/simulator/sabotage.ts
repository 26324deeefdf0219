import type { Tools } from "../../src/act/hands.ts";
import type { DesiredSource } from "../../src/loop/desired-source.ts";
import type { Leadership } from "../../src/loop/leadership.ts";
import type { LeaseTerms } from "../../src/loop/lease.ts";
import type { MemoryStore } from "../../src/loop/memory.ts";
import type { World } from "../../src/loop/reconcile.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Coordination } from "../../src/ports/coordination.ts";
import type { Notifier } from "../../src/ports/notifier.ts";

/**
 * Where a planted bug can get between the parts of a controller, always from outside: each takes a part and gives one
 * that behaves a little worse. The program itself knows nothing of this.
 */
export interface Sabotage {
  readonly clock?: (clock: Clock) => Clock;
  readonly tools?: (tools: Tools) => Tools;
  readonly coordination?: (coordination: Coordination) => Coordination;
  readonly terms?: (terms: LeaseTerms) => LeaseTerms;
  readonly leadership?: (leadership: Leadership) => Leadership;
  readonly memory?: (memory: MemoryStore) => MemoryStore;
  readonly source?: (source: DesiredSource) => DesiredSource;
  readonly world?: (world: World) => World;
  readonly notifier?: (notifier: Notifier) => Notifier;
  /** Nothing is looked at without a hint. */
  readonly noResync?: boolean;
  /** Role tags are written back over whatever has become of what was read. */
  readonly blindRetag?: boolean;
  /** Consul's hints never come. */
  readonly noWatch?: boolean;
}
