import type { Random } from "../../src/ports/random.ts";

/** A seeded source of chance. `fork` gives an independent one by name, so that one part's draws never shift another's. */
export interface Dice extends Random {
  chance(probability: number): boolean;
  /** A whole number, both ends included. */
  int(min: number, max: number): number;
  pick<T>(from: readonly T[]): T;
  fork(name: string): Dice;
}

/** sfc32 (Chris Doty-Humphrey, PractRand), seeded through splitmix32: small, fast and good enough for any of this. */
export function dice(seed: number, name = ""): Dice {
  const mix = splitmix32(hash(name, seed >>> 0) ^ Math.floor(seed / 2 ** 32));
  let a = mix();
  let b = mix();
  let c = mix();
  let d = 1;
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i += 1) next();
  return {
    next,
    chance: (probability) => next() < probability,
    int: (min, max) => min + Math.floor(next() * (max - min + 1)),
    pick: (from) => from[Math.floor(next() * from.length)]!,
    fork: (child) => dice(seed, `${name}/${child}`),
    uuid: () => [8, 4, 4, 4, 12].map((digits) => hex(next, digits)).join("-"),
  };
}

function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let t = state ^ (state >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    return t ^ (t >>> 15);
  };
}

/** FNV-1a over the name, started from the seed. */
function hash(text: string, seed: number): number {
  let value = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}

function hex(next: () => number, digits: number): string {
  let text = "";
  while (text.length < digits) text += Math.floor(next() * 16).toString(16);
  return text;
}
