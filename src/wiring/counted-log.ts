import type { Log, LogData } from "../ports/log.ts";
import { EVENT } from "../report/events.ts";
import type { Metrics } from "../server/metrics.ts";

/** Passes everything on, and counts the events that metrics are about: what is logged and what is counted cannot differ. */
export function countedLog(log: Log, metrics: Metrics): Log {
  const count = (data: LogData): void => {
    switch (data.event) {
      case EVENT.passFinished:
        metrics.passFinished(Number(data["tookMs"] ?? 0));
        break;
      case EVENT.consulTrouble:
        metrics.sourceFailed("consul");
        break;
      case EVENT.hostSilent:
        metrics.sourceFailed("docker");
        break;
      case EVENT.alertDelivered:
        metrics.alertFinished("delivered");
        break;
      case EVENT.alertFailed:
        metrics.alertFinished("failed");
        break;
    }
  };
  const counting = (level: keyof Log) => (data: LogData, message: string) => {
    count(data);
    log[level](data, message);
  };
  return { debug: counting("debug"), info: counting("info"), warn: counting("warn"), error: counting("error") };
}
