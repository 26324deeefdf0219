/**
 * The images of the demo and the tests, made on the spot without any image registry: a recipe names programs of this
 * machine, which are packed with the libraries they need and imported as a one-layer image.
 */
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { askEngine, callEngine } from "./engine-api.ts";
import { nodeRecipe, redisRecipe, webRecipe, type Recipe } from "./image-recipes.ts";
import { ensurePrograms } from "./packages.ts";
import { findProgram, mustRun, run, type Say } from "./processes.ts";
import { stateFolder, withLock } from "./state.ts";

const recipes = {
  "heal-demo/web:1": () => webRecipe("1"),
  "heal-demo/web:2": () => webRecipe("2"),
  "heal-demo/redis:1": redisRecipe,
  "heal-demo/node:1": nodeRecipe,
} satisfies Record<string, () => Recipe>;

export type DemoImage = keyof typeof recipes;
export const demoImages = Object.keys(recipes) as DemoImage[];

const contentLabel = "heal.demo.content";

/** Makes those of the images that the engine does not have, or has from an older recipe. */
export async function ensureImages(
  dockerHost: string,
  names: readonly DemoImage[],
  { say }: { readonly say: Say },
): Promise<void> {
  const engine = createHash("sha256").update(dockerHost).digest("hex").slice(0, 8);
  // One run makes them, another that starts at the same moment waits and finds them made.
  await withLock(`images-${engine}`, async () => {
    for (const name of names) await ensureImage(dockerHost, name, say);
  });
}

/** Removes the images from an engine, with the containers that run from them. */
export async function removeImages(dockerHost: string, names: readonly DemoImage[]): Promise<void> {
  for (const name of names) {
    const filters = encodeURIComponent(JSON.stringify({ ancestor: [name] }));
    const containers = await askEngine<{ Id: string }[]>(
      dockerHost,
      "GET",
      `/containers/json?all=true&filters=${filters}`,
    );
    for (const { Id } of containers) await callEngine(dockerHost, "DELETE", `/containers/${Id}?force=true&v=true`);
    await callEngine(dockerHost, "DELETE", `/images/${name}?force=true`);
  }
}

async function ensureImage(dockerHost: string, name: DemoImage, say: Say): Promise<void> {
  const recipe = recipes[name]();
  await ensurePrograms(recipe.needs, { say });
  const content = contentOf(recipe);
  const present = await presentImage(dockerHost, name);
  if (present?.content === content) return;
  const archive = await packOnce(recipe, content);
  await importImage(dockerHost, name, archive, [...recipe.changes, `LABEL ${contentLabel}=${content}`]);
  // The name has moved on to the new image; the old one is of no use unless a container still runs from it.
  if (present !== undefined) await callEngine(dockerHost, "DELETE", `/images/${present.id}`);
  say(`made the image ${name}`);
}

/** What the image is made of, as a hash. A program counts with its size and age: reading 100 MB of it takes too long. */
function contentOf(recipe: Recipe): string {
  const programs = Object.keys(recipe.programs).map((program) => {
    const { size, mtimeMs } = statSync(programFile(program));
    return [program, size, mtimeMs];
  });
  return createHash("sha256")
    .update(JSON.stringify([recipe, programs]))
    .digest("hex")
    .slice(0, 16);
}

async function presentImage(
  dockerHost: string,
  name: string,
): Promise<{ id: string; content: string | undefined } | undefined> {
  const { status, text } = await callEngine(dockerHost, "GET", `/images/${name}/json`);
  if (status !== 200) return undefined;
  const image = JSON.parse(text) as { Id: string; Config: { Labels: Record<string, string> | null } };
  return { id: image.Id, content: image.Config.Labels?.[contentLabel] };
}

/** Packs the recipe into a tar archive, once per content: the engines of a fleet are all served from the same file. */
function packOnce(recipe: Recipe, content: string): Promise<string> {
  return withLock("image-archives", async () => {
    const folder = stateFolder("cache", "images");
    const archive = path.join(folder, `${content}.tar`);
    if (statSync(archive, { throwIfNoEntry: false }) !== undefined) return archive;
    const root = path.join(folder, content);
    rmSync(root, { recursive: true, force: true });
    await layOut(recipe, root);
    // Sorted, undated and owned by root, so that the same recipe always gives the same bytes.
    const sameEachTime = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
    await mustRun("tar", [...sameEachTime, "-C", root, "-cf", `${archive}.new`, "."]);
    await mustRun("mv", [`${archive}.new`, archive]);
    rmSync(root, { recursive: true });
    return archive;
  });
}

async function layOut(recipe: Recipe, root: string): Promise<void> {
  const place = (target: string) => {
    const file = path.join(root, target);
    mkdirSync(path.dirname(file), { recursive: true });
    return file;
  };
  for (const folder of recipe.folders) {
    mkdirSync(path.join(root, folder), { recursive: true });
    chmodSync(path.join(root, folder), 0o1777);
  }
  for (const [program, to] of Object.entries(recipe.programs)) {
    const source = programFile(program);
    copyFileSync(source, place(to));
    chmodSync(place(to), 0o755);
    for (const library of await librariesOf(source)) copyFileSync(library, place(library));
  }
  for (const [target, text] of Object.entries(recipe.files)) {
    writeFileSync(place(target), text);
    chmodSync(place(target), text.startsWith("#!") ? 0o755 : 0o644);
  }
  const applets = (await mustRun(programFile("busybox"), ["--list"])).trim().split("\n");
  for (const applet of applets.filter((name) => name !== "busybox")) symlinkSync("busybox", place(`/bin/${applet}`));
}

/** The shared libraries a program is linked with, and the loader. None for a static one, which ldd refuses. */
async function librariesOf(file: string): Promise<string[]> {
  const { stdout } = await run("ldd", [file], { env: { ...process.env, LC_ALL: "C" } });
  return [...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map((match) => match[1] ?? "");
}

function programFile(program: string): string {
  const file = path.isAbsolute(program) ? program : findProgram(program);
  if (file === undefined) throw new Error(`${program} was installed and yet cannot be found`);
  return file;
}

async function importImage(
  dockerHost: string,
  name: string,
  tarFile: string,
  changes: readonly string[],
): Promise<void> {
  const [repository = "", tag = ""] = name.split(":");
  const query = new URLSearchParams([
    ["fromSrc", "-"],
    ["repo", repository],
    ["tag", tag],
  ]);
  for (const change of changes) query.append("changes", change);
  const { status, text } = await callEngine(dockerHost, "POST", `/images/create?${query}`, {
    tarFile,
    timeoutMs: 120_000,
  });
  // The status is sent before the work is done, so that a later failure shows in the body only.
  if (status !== 200 || text.includes('"error"')) throw new Error(`the engine did not import ${name}: ${text.trim()}`);
}
