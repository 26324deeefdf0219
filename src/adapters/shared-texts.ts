/** Gives the one copy of a text that is kept. */
export type Share = (text: string) => string;

export const asItIs: Share = (text) => text;

const TEXTS_MAX = 50_000;

/**
 * Keeps one copy of each text that comes again and again in answers, such as the name of a service in each of its
 * instances. Forgets all of them when there are too many: then some are kept twice, and nothing else happens.
 */
export function shareTexts(): Share {
  const texts = new Map<string, string>();
  return (text) => {
    const known = texts.get(text);
    if (known !== undefined) return known;
    if (texts.size >= TEXTS_MAX) texts.clear();
    texts.set(text, text);
    return text;
  };
}
