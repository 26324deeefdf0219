import { settingsDefaults } from "./defaults.ts";
import type { Reading } from "./reading.ts";

/** A time zone that this machine knows. */
export function timezoneOf(reading: Reading, path: readonly string[], name: string | undefined): string {
  const timezone = name ?? settingsDefaults.timezone;
  if (!isKnown(timezone)) reading.wrong(path, "there is no such time zone", "a name such as Europe/Berlin or UTC");
  return timezone;
}

function isKnown(timezone: string): boolean {
  try {
    return Intl.DateTimeFormat("en", { timeZone: timezone }) !== undefined;
  } catch {
    return false;
  }
}
