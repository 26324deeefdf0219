import { script } from "@bomb.sh/tab";

/** The library only prints: what it prints is taken here, so that it goes where all other output does. */
export function completionScript(shell: "bash" | "zsh" | "fish"): string {
  // A constant of the shell's would make reading the script a second time (a changed ~/.bashrc) a row of errors.
  return printed(() => script(shell, "heal", "heal")).replaceAll(/^readonly (?=ShellComp)/gm, "");
}

export function printed(print: () => void): string {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: unknown) => void lines.push(String(line));
  try {
    print();
  } finally {
    console.log = log;
  }
  return lines.map((line) => `${line}\n`).join("");
}
