import type { Log } from "../../ports/log.ts";

/** For one-shot commands, whose report says what there is to say. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
