/**
 * What a desired-state file may leave out, in the writing of the file. The schema, and so the reference page, shows
 * these, and the normaliser fills them in.
 */
export const serviceDefaults = {
  stopGrace: "10s",
  restart: "no",
  healthcheckInterval: "30s",
  healthcheckTimeout: "30s",
  healthcheckRetries: 3,
  healthcheckStartPeriod: "0s",
  healthInterval: "10s",
  healthTimeout: "2s",
  startGrace: "30s",
  unhealthyAfter: "30s",
  maxUnavailable: 0,
  lostAfter: "30s",
  surplusAction: "alert",
  surplusAfter: "1m",
  downAfter: "2s",
  masterTag: "master",
  replicaTag: "slave",
  authority: "heal",
} as const;
