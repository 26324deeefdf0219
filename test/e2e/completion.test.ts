import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { run } from "../../scripts/machine/processes.ts";
import type { Site } from "./support/site.ts";
import { openSite } from "./support/site.ts";

/** The installed program, found on the PATH as a user's shell finds it, with a daemon of its own to ask for services. */
const directory = mkdtempSync(join(tmpdir(), "heal-completion-"));
let site: Site;

beforeAll(async () => {
  mkdirSync(join(directory, "bin"));
  symlinkSync(resolve("dist/bin.js"), join(directory, "bin/heal"));
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout } = await run("node", [resolve("dist/bin.js"), "completion", shell]);
    writeFileSync(join(directory, shell === "zsh" ? "_heal" : `heal.${shell}`), stdout);
  }
  site = openSite({ docker: inject("docker"), consul: inject("consul") });
  site.desire({ "web-shop": { count: 0, container: { image: "heal-demo/web:1" } } });
  await site.daemon();
});
afterAll(async () => {
  await site.close();
  rmSync(directory, { recursive: true });
});

async function shell(program: string, ...words: readonly string[]): Promise<string> {
  const env = { ...process.env, PATH: `${join(directory, "bin")}${delimiter}${process.env["PATH"] ?? ""}` };
  const { stdout, stderr } = await run(program, words, { cwd: site.folder, env, timeoutMs: 30_000 });
  return stdout + stderr;
}

describe("completion", () => {
  it("completes commands and services in bash, also when it is read twice", async () => {
    const press = (line: string): string => `
      COMP_LINE='${line}' COMP_POINT=${line.length} COMP_WORDS=(${line.replace(/ $/, " ''")})
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); COMPREPLY=(); __heal_complete 2>/dev/null; echo "<\${COMPREPLY[*]}>"`;
    const script = `
      source /usr/share/bash-completion/bash_completion
      source ${directory}/heal.bash; source ${directory}/heal.bash
      ${press("heal sta")}
      ${press("heal why ")}`;
    expect(await shell("bash", "--norc", "-c", script)).toBe("<status>\n<web-shop>\n");
  });

  it("completes what stands on the line of zsh when Tab is pressed", async () => {
    const script = `
      zmodload zsh/zpty
      zpty shell zsh -f -i
      zpty -w shell 'PS1=; fpath=(${directory} $fpath); autoload -U compinit; compinit -D -u; echo re''ady'
      zpty -r shell line '*ready*'
      zpty -w -n shell $'heal sta\\t'
      zpty -r shell line '*heal sta*tus*'
      print -r -- "completed: $line"`;
    expect(await shell("zsh", "-f", "-c", script)).toMatch(/completed: [^]*status/);
  });

  it("completes commands, with what they do, in fish", async () => {
    const script = `source ${directory}/heal.fish; complete --do-complete "heal sta"`;
    expect(await shell("fish", "--no-config", "-c", script)).toMatch(/^status\t\S/m);
  });
});
