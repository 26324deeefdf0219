import type { Message } from "../../ports/notifier.ts";

/** The text part. Lines are not wrapped: a command that is broken in two cannot be copied. */
export function plainTextOf(message: Message): string {
  const sections = message.body.map(({ heading, lines }) =>
    heading === "" ? lines.join("\n") : [heading, ...lines.map((line) => `  - ${line}`)].join("\n"),
  );
  return `${sections.join("\n\n")}\n\n-- \n${footerOf(message)}\n`;
}

/** Where it comes from, for whoever gets mails of several. */
export function footerOf({ environment, key }: Message): string {
  return `heal, environment ${environment} (${key})`;
}
