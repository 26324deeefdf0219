import type { Row } from "./harness/row.ts";
import { cliRows } from "./rows/cli.ts";
import { recoverRows } from "./rows/recover.ts";
import { resyncRows } from "./rows/resync.ts";

/** Every row, in the order of the table. */
export const rows: readonly Row[] = [...recoverRows, ...resyncRows, ...cliRows];
