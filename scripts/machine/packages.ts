/** Programs from the machine's own package archive (Debian, Ubuntu), installed without starting their services. */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { findProgram, mustRun, run, type Say } from "./processes.ts";
import { withLock } from "./state.ts";

/** Installing was not possible. The message is one line for the user: what is missing and how to get it. */
export class CannotInstall extends Error {
  override readonly name = "CannotInstall";
}

const aptEnvironment = { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
// Another apt run (an unattended upgrade, say) is waited for instead of failed on.
const aptOptions = ["-q", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=2"];
const policyFile = "/usr/sbin/policy-rc.d";
const policyMark = "# written by heal's machine set-up";

/**
 * Installs those of the packages that are not there. Nothing is started: the set-up starts what it needs itself and
 * must know what it started. Rejects with {@link CannotInstall} where that is not possible.
 */
export async function ensurePackages(names: readonly string[], { say }: { readonly say: Say }): Promise<void> {
  if ((await missingPackages(names)).length === 0) return;
  await withLock("apt", async () => {
    const missing = await missingPackages(names);
    if (missing.length === 0) return;
    const wanted = missing.join(" ");
    if (findProgram("apt-get") === undefined)
      throw new CannotInstall(`missing: ${wanted}; install them, there is no apt-get here to do so`);
    if (process.getuid?.() !== 0) throw new CannotInstall(`missing: ${wanted}; run as root: apt-get install ${wanted}`);
    say(`installing ${missing.join(", ")}`);
    const failure = await withoutServiceStarts(() => install(missing));
    if (failure !== undefined)
      throw new CannotInstall(`missing: ${wanted}; apt-get install ${wanted} failed: ${failure}`);
  });
}

/** Something that must be there: any one of the programs, or else the package that brings it. */
export interface Need {
  readonly programs: readonly string[];
  readonly package: string;
}

/** Installs the packages of those needs that no program on this machine meets, wherever the program came from. */
export async function ensurePrograms(needs: readonly Need[], options: { readonly say: Say }): Promise<void> {
  const unmet = needs.filter(({ programs }) => !programs.some((program) => findProgram(program) !== undefined));
  await ensurePackages([...new Set(unmet.map((need) => need.package))], options);
}

/** Fetches the package lists if there are none, so that there is something to install from. */
export async function ensurePackageLists(): Promise<void> {
  const lists = await run("apt-get", ["indextargets"], { env: aptEnvironment });
  if (lists.stdout.trim() === "")
    await mustRun("apt-get", [...aptOptions, "update"], { env: aptEnvironment, timeoutMs: 300_000 });
}

async function missingPackages(names: readonly string[]): Promise<readonly string[]> {
  const listed = await run("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Status}\n", ...names]);
  const installed = new Set(
    listed.stdout
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return names.filter((name) => !installed.has(name));
}

/** Gives what apt complained of, or nothing when all went well. */
async function install(names: readonly string[]): Promise<string | undefined> {
  const attempt = () =>
    run("apt-get", [...aptOptions, "install", "-y", "--no-install-recommends", ...names], {
      env: aptEnvironment,
      timeoutMs: 900_000,
    });
  let result = await attempt();
  if (result.code !== 0) {
    // Lists that are missing or older than the archive are the usual reason; fresh ones are fetched only then.
    await run("apt-get", [...aptOptions, "update"], { env: aptEnvironment, timeoutMs: 300_000 });
    result = await attempt();
  }
  if (result.code === 0) return undefined;
  return result.stderr.split("\n").find((line) => line.startsWith("E:")) ?? `code ${result.code}`;
}

/** A policy that forbids service starts is Debian's own way to install without starting; the user's own one stays. */
async function withoutServiceStarts<T>(work: () => Promise<T>): Promise<T> {
  const ours = !existsSync(policyFile) || readFileSync(policyFile, "utf8").includes(policyMark);
  if (!ours) return work();
  writeFileSync(policyFile, `#!/bin/sh\n${policyMark}\nexit 101\n`);
  chmodSync(policyFile, 0o755);
  try {
    return await work();
  } finally {
    rmSync(policyFile, { force: true });
  }
}
