import { settingsDefaults } from "./defaults.ts";
import type { Reading } from "./reading.ts";

/** A time zone that this machine knows; asking is slow, and only done for one that the file names. */
export function timezoneOf(reading: Reading, path: readonly string[], name: string | undefined): string {
  if (name === undefined) return settingsDefaults.timezone;
  if (!isKnown(name)) reading.wrong(path, "there is no such time zone", "a name such as Europe/Berlin or UTC");
  return name;
}

function isKnown(timezone: string): boolean {
  try {
    return Intl.DateTimeFormat("en", { timeZone: timezone }) !== undefined;
  } catch {
    return false;
  }
}
