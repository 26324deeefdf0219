import type { Action } from "../../model/action.ts";
import { cleanText } from "../../model/clean-text.ts";
import { describeAction } from "../describe-action.ts";

/** A name from outside, fit to stand in a sentence. */
export function named(text: string): string {
  return cleanText(text, 48);
}

/** A reason or message from outside, fit to stand in a sentence. Its full stop goes, since a sentence brings its own. */
export function said(text: string): string {
  return cleanText(text, 140).replace(/\.$/, "");
}

/** `1 instance`, `4 instances`. */
export function quantity(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}

/** `a, b, c and 5 more`: names from outside, the first `max` of them. */
export function listed(names: readonly string[], max: number): string {
  const shown = names.slice(0, max).map(named);
  const rest = names.length - shown.length;
  if (rest > 0) return `${shown.join(", ")} and ${rest} more`;
  return shown.length > 1 ? `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}` : shown.join("");
}

/** One word for a POSIX shell, whatever the name holds: messages are copied into terminals at night. */
export function shellWord(text: string): string {
  const clean = named(text);
  return /^[\w.][\w.-]*$/.test(clean) ? clean : `'${clean.replaceAll("'", String.raw`'\''`)}'`;
}

/** `start heal.live.web.2.1 on h2`, fit to stand in a sentence. */
export function actionPhrase(action: Action): string {
  return cleanText(describeAction(action), 110);
}
