import type { Row } from "./harness/row.ts";
import { resyncRows } from "./rows/resync.ts";

/** Every row, in the order of the table. */
export const rows: readonly Row[] = [...resyncRows];
