/** Randomness for jitter and ids; the simulator's is drawn from its seed. */
export interface Random {
  /** 0 ≤ x < 1. */
  next(): number;
  uuid(): string;
}
