import { closest } from "../model/closest.ts";
import { channelSettings } from "./channels.ts";
import { settingsDefaults as defaults } from "./defaults.ts";
import type { Reading } from "./reading.ts";
import type { EnvironmentFile, RouteFile } from "./schema.ts";
import type { AlertSettings, ChannelSettings, QuietHours, RouteSettings } from "./settings.ts";
import { timezoneOf } from "./timezone.ts";
import { milliseconds } from "./tuning.ts";

/** Channels and routes. There is always a route `default`; with no channels it tells nobody. */
export async function alertSettings(reading: Reading, file: EnvironmentFile["alerts"]): Promise<AlertSettings> {
  const channels: Record<string, ChannelSettings> = {};
  for (const [name, channel] of Object.entries(file?.channels ?? {})) {
    channels[name] = await channelSettings(reading, name, channel);
  }
  const routes: Record<string, RouteSettings> = {};
  for (const [name, route] of Object.entries({ default: {}, ...file?.routes })) {
    routes[name] = routeSettings(reading, name, route, Object.keys(channels));
  }
  return { channels, routes };
}

function routeSettings(reading: Reading, name: string, file: RouteFile, channels: readonly string[]): RouteSettings {
  const path = ["alerts", "routes", name];
  for (const list of ["critical", "warning", "fallback"] as const) {
    for (const [index, channel] of (file[list] ?? []).entries()) {
      if (channels.includes(channel)) continue;
      const meant = closest(channel, channels);
      const hint = meant === null ? "" : `: did you mean "${meant}"?`;
      reading.wrong([...path, list, index], `there is no channel "${channel}"${hint}`, `one of ${channels.join(", ")}`);
    }
  }
  return {
    critical: file.critical ?? [],
    warning: file.warning ?? [],
    fallback: file.fallback ?? [],
    waitMs: milliseconds(file.wait ?? defaults.wait),
    repeatMs: milliseconds(file.repeat ?? defaults.repeat),
    quietHours: file.quietHours === undefined ? null : quietHours(reading, [...path, "quietHours"], file.quietHours),
  };
}

function quietHours(reading: Reading, path: readonly string[], file: NonNullable<RouteFile["quietHours"]>): QuietHours {
  if (file.from === file.to) reading.wrong([...path, "to"], "is the same as from", "another time");
  const timezone = timezoneOf(reading, [...path, "timezone"], file.timezone);
  return { fromMinute: minuteOf(file.from), toMinute: minuteOf(file.to), timezone };
}

function minuteOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return hours * 60 + minutes;
}
