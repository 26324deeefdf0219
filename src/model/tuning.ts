/** Numbers that shape decisions, the same for every service. Settings fill them in; these are the defaults. */
export interface Tuning {
  /** Consistent reads that must agree before a suspect picture is believed. */
  readonly agreeingReads: number;
  /** How long an action may be on its way before a fresh look settles what became of it. */
  readonly inFlightMs: number;
  readonly backOff: { readonly initialMs: number; readonly maxMs: number; readonly forgetAfterMs: number };
  /** So many failures within the window put a slot in quarantine; it is tried again once per `retryMs`. */
  readonly quarantine: { readonly failures: number; readonly windowMs: number; readonly retryMs: number };
  readonly blastRadius: { readonly stopsPerWindow: number; readonly windowMs: number; readonly shareOfFleet: number };
  /** Share of the fleet that turns critical while Docker runs it, from which the checker is taken for sick. */
  readonly checkerSickShare: number;
  /** Grace of an instance whose service names none. */
  readonly startGraceMs: number;
}

export const defaultTuning: Tuning = {
  agreeingReads: 2,
  inFlightMs: 60_000,
  backOff: { initialMs: 10_000, maxMs: 300_000, forgetAfterMs: 600_000 },
  quarantine: { failures: 5, windowMs: 600_000, retryMs: 600_000 },
  blastRadius: { stopsPerWindow: 10, windowMs: 600_000, shareOfFleet: 0.3 },
  checkerSickShare: 0.5,
  startGraceMs: 30_000,
};
