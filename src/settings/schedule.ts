import { settingsDefaults } from "./defaults.ts";
import type { Reading } from "./reading.ts";

/** A schedule that node-cron takes; it is asked only about one that the file names. */
export async function checkSchedule(reading: Reading, schedule: string | undefined): Promise<string> {
  if (schedule === undefined || schedule === settingsDefaults.schedule) return settingsDefaults.schedule;
  const { validate } = await import("node-cron");
  if (!validate(schedule)) {
    const expected = "five fields (minute, hour, day, month, weekday), or six with seconds first";
    reading.wrong(["resync", "schedule"], "this is not a schedule", expected);
  }
  return schedule;
}
