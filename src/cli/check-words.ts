import { closest } from "../model/closest.ts";
import type { Controller } from "../ports/controller.ts";
import { UnknownService } from "../ports/controller.ts";

/** Rejects with `UnknownService` unless every word is a desired service: before anything is done, never half-way. */
export async function checkServices(controller: Controller, words: readonly string[]): Promise<void> {
  if (words.length === 0) return;
  const desired = await controller.services();
  for (const word of words) {
    if (!desired.includes(word)) throw new UnknownService(word, closest(word, desired));
  }
}
