/** Where the `consul` program comes from. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { readdirSync } from "node:fs";
import path from "node:path";
import { CannotInstall, ensurePackageLists } from "./packages.ts";
import { findProgram, mustRun, run, type Say } from "./processes.ts";
import { stateFolder, withLock } from "./state.ts";

/** The last Debian release whose archive has a Consul; later ones have none. */
const suite = "bullseye";
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
const advice = "put a consul program on PATH";

/**
 * The path of a `consul` program: the one on PATH, else one fetched before, else the package of this machine's own
 * archive or of the older Debian release. The package is only unpacked in the state folder, nothing is installed.
 * Rejects with {@link CannotInstall} where none of this is possible.
 */
export async function ensureConsulBinary({ say }: { readonly say: Say }): Promise<string> {
  const installed = findProgram("consul");
  if (installed !== undefined) return installed;
  const cached = path.join(stateFolder("cache"), "consul");
  if (existsSync(cached)) return cached;
  return withLock("consul-binary", async () => {
    if (existsSync(cached)) return cached;
    if (findProgram("apt-get") === undefined) throw new CannotInstall(`missing: consul; ${advice}`);
    say("fetching Consul from the package archive");
    const folder = stateFolder("cache", "consul-package");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    try {
      const fromPackage = (await download(folder, [])) ?? (await download(folder, await olderRelease(folder)));
      if (fromPackage === undefined)
        throw new CannotInstall(
          `missing: consul; neither this machine's archive nor Debian ${suite} gives it: ${advice}`,
        );
      chmodSync(fromPackage, 0o755);
      copyFileSync(fromPackage, `${cached}.new`);
      renameSync(`${cached}.new`, cached); // whole or not at all, should we be interrupted
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return cached;
  });
}

/** Downloads and unpacks the package; gives the program's path, or nothing when apt cannot find the package. */
async function download(folder: string, options: readonly string[]): Promise<string | undefined> {
  const result = await run("apt-get", ["-q", ...options, "download", "consul"], { cwd: folder, timeoutMs: 300_000 });
  const archive = readdirSync(folder).find((file) => file.endsWith(".deb"));
  if (result.code !== 0 || archive === undefined) return undefined;
  await mustRun("dpkg-deb", ["-x", path.join(folder, archive), path.join(folder, "content")]);
  return path.join(folder, "content/usr/bin/consul");
}

/**
 * Options that let apt see the older release, and nothing of the machine's own lists be touched. The mirror is the one
 * the machine is set up with; the signatures are checked against Debian's own keys.
 */
async function olderRelease(folder: string): Promise<readonly string[]> {
  if (!existsSync(keyring))
    throw new CannotInstall(`missing: consul; this system's archive has none and it lacks ${keyring}: ${advice}`);
  const mirror = await mainMirror();
  if (mirror === undefined) throw new CannotInstall(`missing: consul; apt has no Debian mirror configured: ${advice}`);
  const sources = path.join(folder, "older.list");
  writeFileSync(sources, `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  const lists = path.join(folder, "lists");
  mkdirSync(path.join(lists, "partial"), { recursive: true });
  const settings = {
    "Dir::Etc::SourceList": sources,
    "Dir::Etc::SourceParts": "-",
    "Dir::State::Lists": lists,
    "Dir::Cache": path.join(folder, "apt-cache"),
    "Acquire::Languages": "none",
    // Files below the state folder are not for apt's own unprivileged user to read.
    "APT::Sandbox::User": "root",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const update = await run("apt-get", ["-q", ...options, "update"], { timeoutMs: 300_000 });
  if (update.code !== 0)
    throw new CannotInstall(`missing: consul; Debian ${suite} could not be read from ${mirror}: ${advice}`);
  return options;
}

/** The mirror of the running Debian release itself, as opposed to its security updates and other sources. */
async function mainMirror(): Promise<string | undefined> {
  await ensurePackageLists();
  const release = /^VERSION_CODENAME=(\w+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
  const format = "$(CODENAME) $(COMPONENT) $(REPO_URI)";
  const { stdout } = await run("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]);
  return stdout
    .split("\n")
    .map((line) => line.split(" "))
    .find((words) => words[0] === release && words[1] === "main")?.[2];
}
