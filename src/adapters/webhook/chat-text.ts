import { cutText, utf8Bytes } from "../../model/clean-text.ts";
import type { Message, MessageSection } from "../../ports/notifier.ts";

/** How a chat writes what a message has. */
export interface ChatStyle {
  readonly heading: (text: string) => string;
  readonly line: (text: string) => string;
  readonly item: (text: string) => string;
  /** Between lines: most chats need an empty one. */
  readonly newLine: string;
}

/**
 * A message as one text of at most `bytesMax` bytes. What does not fit is left out from the end, where the evidence is,
 * line by line and with a note.
 */
export function chatText(message: Message, style: ChatStyle, bytesMax: number): string {
  const lines = [
    style.heading(harmless(message.title)),
    ...message.body.flatMap((section) => sectionLines(section, style)),
  ];
  const more = "…";
  const room = bytesMax - utf8Bytes(style.newLine + more);
  const kept: string[] = [];
  let bytes = 0;
  for (const line of lines) {
    const size = utf8Bytes(line) + utf8Bytes(style.newLine);
    if (bytes + size > room) return [...kept, more].join(style.newLine);
    kept.push(line);
    bytes += size;
  }
  return kept.join(style.newLine);
}

function sectionLines({ heading, lines }: MessageSection, style: ChatStyle): readonly string[] {
  if (heading === "") return lines.map((line) => style.line(harmless(line)));
  return [style.heading(harmless(heading)), ...lines.map((line) => style.item(harmless(line)))];
}

/**
 * Takes from a text the characters by which chats are given orders: mentions (`@all`, `<!channel>`, `<at …>`), links
 * behind other words, headings, emphasis, entities. They are replaced by their full-width likenesses, so that a person
 * still reads what it said. Backticks stay: only our own commands have them.
 */
export function harmless(text: string): string {
  return text
    .replace(/[@<>&#*~|]/g, (character) => fullWidth[character] ?? character)
    .replaceAll("](", "] (")
    .replaceAll("][", "] [");
}

const fullWidth: Readonly<Record<string, string>> = {
  "@": "＠",
  "<": "＜",
  ">": "＞",
  "&": "＆",
  "#": "＃",
  "*": "＊",
  "~": "～",
  "|": "｜",
};

/** The title alone, for the notification on a locked screen. */
export function chatTitle(message: Message, bytesMax: number): string {
  return cutText(harmless(message.title), bytesMax);
}
