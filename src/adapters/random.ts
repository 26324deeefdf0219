import { randomUUID } from "node:crypto";
import type { Random } from "../ports/random.ts";

export function realRandom(): Random {
  return { next: () => Math.random(), uuid: () => randomUUID() };
}
