import { formatDuration } from "../model/duration.ts";
import { defaultTuning } from "../model/tuning.ts";

const { backOff, quarantine, blastRadius } = defaultTuning;

/** What `heal.json` may leave out, in the writing of the file; the planner's own numbers come from `model/tuning.ts`. */
export const settingsDefaults = {
  environment: "default",
  host: "local",
  desiredState: "desired-state",
  consulAddress: "http://127.0.0.1:8500",
  dockerAddress: "unix:///var/run/docker.sock",
  schedule: "* * * * *",
  timezone: "UTC",
  listen: "127.0.0.1:7411",
  checkTtl: "1800ms",
  lockDelay: "1500ms",
  startsPerHost: 4,
  logLevel: "info",
  wait: "30s",
  repeat: "4h",
  channelTimeout: "10s",
  attempts: 3,
  contentType: "application/json",
  method: "POST",
  startTls: "opportunistic",
  backOffInitial: formatDuration(backOff.initialMs),
  backOffMax: formatDuration(backOff.maxMs),
  backOffForgetAfter: formatDuration(backOff.forgetAfterMs),
  quarantineFailures: quarantine.failures,
  quarantineWindow: formatDuration(quarantine.windowMs),
  quarantineRetry: formatDuration(quarantine.retryMs),
  agreeingReads: defaultTuning.agreeingReads,
  inFlight: formatDuration(defaultTuning.inFlightMs),
  stopsPerWindow: blastRadius.stopsPerWindow,
  window: formatDuration(blastRadius.windowMs),
  shareOfFleet: blastRadius.shareOfFleet,
  checkerSickShare: defaultTuning.checkerSickShare,
} as const;
