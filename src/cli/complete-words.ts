import type { Command } from "@bomb.sh/tab";
import { RootCommand } from "@bomb.sh/tab";
import type { CommandDefinition, OptionDefinition } from "./command.ts";
import { printed } from "./completion-script.ts";

/**
 * Answers a shell that completes `heal <words>`, the last of them being typed: one candidate per line with its
 * description, and the directive that shells' scripts expect.
 */
export function completeWords(
  words: readonly string[],
  definitions: readonly CommandDefinition[],
  everywhere: readonly OptionDefinition[],
  services: readonly string[],
): string {
  const root = new RootCommand();
  const pass = definitions.find(({ name }) => name === "pass");
  describe(root, pass, everywhere, services);
  for (const definition of definitions) {
    describe(root.command(definition.name, definition.summary), definition, everywhere, services);
  }
  return printed(() => root.parse([...words]));
}

function describe(
  command: Command,
  definition: CommandDefinition | undefined,
  everywhere: readonly OptionDefinition[],
  services: readonly string[],
): void {
  for (const { form, description } of [...(definition?.options ?? []), ...everywhere]) {
    const [long = "", value] = form.replace(/^-\w, /, "").split(" ");
    const name = long.replace(/^--/, "");
    if (value === undefined) command.option(name, description);
    else command.option(name, description, () => undefined);
  }
  const argument = definition?.argument ?? null;
  if (argument === null || argument.kind === "file") return;
  const candidates = argument.kind === "service" ? services : (argument.choices ?? []);
  command.argument(
    "word",
    (complete) => candidates.forEach((name) => complete(name, "")),
    argument.form.includes("..."),
  );
}
