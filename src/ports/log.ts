/** Structured log. The message is constant; what varies is data. `event` comes from the list in report/events.ts. */
export interface Log {
  debug(data: LogData, message: string): void;
  info(data: LogData, message: string): void;
  warn(data: LogData, message: string): void;
  error(data: LogData, message: string): void;
}

export type LogData = { readonly event: string } & Readonly<Record<string, unknown>>;
