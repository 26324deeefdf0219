import type { Row } from "./harness/row.ts";
import { cliRows } from "./rows/cli.ts";
import { noopRows } from "./rows/noop.ts";
import { nudgeRows } from "./rows/nudge.ts";
import { recoverRows } from "./rows/recover.ts";
import { redisRows } from "./rows/redis.ts";
import { resyncRows } from "./rows/resync.ts";
import { stormRows } from "./rows/storm.ts";

/** Every row, in the order of the table. */
export const rows: readonly Row[] = [
  ...recoverRows,
  ...noopRows,
  ...nudgeRows,
  ...resyncRows,
  ...stormRows,
  ...cliRows,
  ...redisRows,
];
