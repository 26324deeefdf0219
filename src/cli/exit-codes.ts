/**
 * What the exit codes of `heal` mean, each in one way for every command. 0 to 3 say how services stand; the others say
 * that the command did not do what it was asked to, and follow the numbers of BSD's sysexits where one fits.
 */
export const EXIT = {
  passing: 0,
  warning: 1,
  critical: 2,
  unknown: 3,
  /** A command, option, argument or service that does not exist. */
  usage: 64,
  /** The plan is not the one that `--expect` names. */
  planChanged: 65,
  /** Consul, Docker or the daemon cannot be asked. */
  unavailable: 69,
  /** A bug in heal. */
  bug: 70,
  /** What was to be made is there already: a file, a daemon's socket, a port. */
  exists: 73,
  /** Another heal holds the lock: nothing was done, and trying again helps. */
  notLeader: 75,
  /** This user may not. */
  denied: 77,
  /** heal.json, an environment variable or the desired state is wrong. */
  configuration: 78,
  /** 128 and the signal's number. */
  interrupted: { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 },
} as const;
