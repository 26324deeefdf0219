import { parseDuration } from "../model/duration.ts";
import type { Tuning } from "../model/tuning.ts";
import { defaultTuning } from "../model/tuning.ts";
import { settingsDefaults as defaults } from "./defaults.ts";
import type { Reading } from "./reading.ts";
import type { EnvironmentFile } from "./schema.ts";

/** The planner's numbers: its own defaults, with what the file says over them. */
export function tuningSettings(reading: Reading, { healing, blastRadius }: EnvironmentFile): Tuning {
  const { backOff, quarantine } = healing ?? {};
  const initialMs = milliseconds(backOff?.initial ?? defaults.backOffInitial);
  const maxMs = milliseconds(backOff?.max ?? defaults.backOffMax);
  if (initialMs > maxMs) {
    const path = ["healing", "backOff", backOff?.initial === undefined ? "max" : "initial"];
    reading.wrong(path, "the first wait is longer than the longest", '"initial" at most "max"');
  }
  return {
    ...defaultTuning,
    agreeingReads: healing?.agreeingReads ?? defaults.agreeingReads,
    inFlightMs: milliseconds(healing?.inFlight ?? defaults.inFlight),
    backOff: { initialMs, maxMs, forgetAfterMs: milliseconds(backOff?.forgetAfter ?? defaults.backOffForgetAfter) },
    quarantine: {
      failures: quarantine?.failures ?? defaults.quarantineFailures,
      windowMs: milliseconds(quarantine?.window ?? defaults.quarantineWindow),
      retryMs: milliseconds(quarantine?.retry ?? defaults.quarantineRetry),
    },
    blastRadius: {
      stopsPerWindow: blastRadius?.stopsPerWindow ?? defaults.stopsPerWindow,
      windowMs: milliseconds(blastRadius?.window ?? defaults.window),
      shareOfFleet: blastRadius?.shareOfFleet ?? defaults.shareOfFleet,
    },
    checkerSickShare: blastRadius?.checkerSickShare ?? defaults.checkerSickShare,
  };
}

/** Of a duration that the schema has let pass. */
export function milliseconds(text: string): number {
  return parseDuration(text) ?? Number.NaN;
}
