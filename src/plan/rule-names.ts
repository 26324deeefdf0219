/** Names of rules as they stand in every `because`. Those that guards and Memory ask for are named here once. */
export const RULE = {
  startMissing: "start-missing",
  replaceUnhealthy: "replace-unhealthy",
  withdrawReplacement: "withdraw-replacement",
  removeSuperseded: "remove-superseded",
  finishStop: "finish-stop",
  trimSurplus: "trim-surplus",
  clearEnded: "clear-ended",
  registerUnlisted: "register-unlisted",
  deregisterGhost: "deregister-ghost",
  scaleSwarm: "scale-swarm",
  scaleCompose: "scale-compose",
  oldSpecification: "old-specification",
  adopt: "adopt",
} as const;
