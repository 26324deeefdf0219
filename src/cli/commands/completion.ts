import type { CommandDefinition } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { UsageError } from "../failures.ts";

const shells = ["bash", "zsh", "fish"] as const;

export const completion: CommandDefinition = {
  name: "completion",
  summary: "a script that lets bash, zsh or fish complete commands, options and services",
  argument: { form: "<shell>", description: "the shell", kind: "choice", choices: shells },
  options: [],
  notes: ["Services are asked of the running daemon; without one only commands and options are completed."],
  examples: [
    ["source <(heal completion bash)", "for this shell; in ~/.bashrc for all (needs the package bash-completion)"],
    ["heal completion zsh > ~/.zfunc/_heal", "for zsh, with ~/.zfunc in fpath"],
    ["heal completion fish > ~/.config/fish/completions/heal.fish", "for fish"],
  ],
  async run({ terminal }, { words }) {
    const shell = shells.find((one) => one === words[0]);
    if (shell === undefined)
      throw new UsageError(`there is no completion for "${words[0]}"`, `for ${shells.join(", ")}`);
    const { completionScript } = await import("../completion-script.ts");
    terminal.out(completionScript(shell));
    return EXIT.passing;
  },
};
