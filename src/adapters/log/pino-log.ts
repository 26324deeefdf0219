import { pino } from "pino";
import type { Log, LogData } from "../../ports/log.ts";

/** Structured lines (NDJSON) on standard output, for whatever collects a container's or a unit's log. */
export function pinoLog(level: "debug" | "info" | "warn" | "error", base: Readonly<Record<string, string>>): Log {
  const logger = pino({ level, base, serializers: { error: pino.stdSerializers.err } });
  return {
    debug: (data: LogData, message) => logger.debug(data, message),
    info: (data: LogData, message) => logger.info(data, message),
    warn: (data: LogData, message) => logger.warn(data, message),
    error: (data: LogData, message) => logger.error(data, message),
  };
}
