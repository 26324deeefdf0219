import type { Row } from "./harness/row.ts";
import { cliRows } from "./rows/cli.ts";
import { daemonRows } from "./rows/daemon.ts";
import { goneRows } from "./rows/gone.ts";
import { hostDeadRows } from "./rows/host-dead.ts";
import { noopRows } from "./rows/noop.ts";
import { nudgeRows } from "./rows/nudge.ts";
import { passesRows } from "./rows/passes.ts";
import { recoverRows } from "./rows/recover.ts";
import { redisRows } from "./rows/redis.ts";
import { resyncConsulRows } from "./rows/resync-consul.ts";
import { resyncRows } from "./rows/resync.ts";
import { steadyRows } from "./rows/steady.ts";
import { stormRows } from "./rows/storm.ts";
import { swarmRows } from "./rows/swarm.ts";
import { takeoverRows } from "./rows/takeover.ts";

/** Every row, in the order of the table. */
export const rows: readonly Row[] = [
  ...recoverRows,
  ...passesRows,
  ...goneRows,
  ...swarmRows,
  ...hostDeadRows,
  ...takeoverRows,
  ...noopRows,
  ...daemonRows,
  ...nudgeRows,
  ...resyncRows,
  ...resyncConsulRows,
  ...stormRows,
  ...steadyRows,
  ...cliRows,
  ...redisRows,
];
