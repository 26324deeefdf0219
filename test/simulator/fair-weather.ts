import type { EngineWeather } from "./engine.ts";

/** No faults at all. */
export const fairWeather: EngineWeather = {
  isFair: () => true,
  fate: () => "normal",
  killed: (process) => process.kill(),
  suspended: () => {},
  contacted: () => {},
  eventFate: () => "normal",
};

/** A witness of any kind that looks away. */
export function blindWitness<T extends object>(): T {
  return new Proxy({} as T, { get: () => () => {} });
}
