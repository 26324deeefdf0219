import type { Log, LogData } from "../../src/ports/log.ts";

/** Hands each line on, with who wrote it; nothing is formatted unless somebody reads it. */
export function simulatedLog(
  process: string,
  sink: (process: string, level: keyof Log, data: LogData, message: string) => void,
): Log {
  return {
    debug: (data, message) => sink(process, "debug", data, message),
    info: (data, message) => sink(process, "info", data, message),
    warn: (data, message) => sink(process, "warn", data, message),
    error: (data, message) => sink(process, "error", data, message),
  };
}
