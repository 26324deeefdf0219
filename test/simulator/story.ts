import { runSeed } from "./run-seed.ts";
import type { SeedOptions } from "./run-seed.ts";
import type { Violation } from "./safety.ts";

const always = /FAULT|end of|leads as|is dead|starts on|CALM|VIOLATION/;

/** What happened in a seed: all of it, or only what concerns the services and containers that the violation names. */
export function tellStory(seed: number, options: SeedOptions, about: Violation | null): readonly string[] {
  const lines: string[] = [];
  runSeed(seed, { ...options, story: (line) => lines.push(line) });
  if (about === null) return lines;
  const names = new Set(about.what.match(/\b[sr]\d+\b|\bbilling\b|\bblog\b/g) ?? []);
  const concerns = (line: string): boolean => [...names].some((name) => new RegExp(`\\b${name}\\b`).test(line));
  return lines.filter((line) => always.test(line) || concerns(line));
}
