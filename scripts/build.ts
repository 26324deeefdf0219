import { chmod, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { BuildOptions, Plugin } from "esbuild";

/**
 * Bundles the program to `dist/`: `bin.js` with the quick ways, and modules that are loaded when a command needs them.
 * Nothing else has to be installed to run it, so the licences of what is bundled go with it.
 */
const root = fileURLToPath(new URL("..", import.meta.url));
const outdir = resolve(root, process.argv[2] ?? "dist");

await rm(outdir, { recursive: true, force: true });
const common: BuildOptions = {
  absWorkingDir: root,
  outdir,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  chunkNames: "chunks/[name]-[hash]",
  // Its other form loads its parts in a way that no bundler can follow.
  alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: false,
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
};
const builds = [
  await build({ ...common, format: "cjs", entryPoints: ["src/bin.ts"], plugins: [apart("ordinary")] }),
  await build({
    ...common,
    entryPoints: ["src/ordinary.ts"],
    outExtension: { ".js": ".mjs" },
    splitting: true,
    plugins: [leaveOut(["ssh2", "cpu-features", "@grpc/grpc-js", "@grpc/proto-loader", "protobufjs", "fsevents"])],
  }),
];
const outputs = builds.flatMap(({ metafile }) => Object.keys(metafile?.outputs ?? {}));
const inputs = builds.flatMap(({ metafile }) => Object.keys(metafile?.inputs ?? {}));
for (const file of outputs) if (file.endsWith(".mjs")) await giveRequire(join(root, file));
await writeFile(join(outdir, "package.json"), '{ "type": "commonjs" }\n');
await chmod(join(outdir, "bin.js"), 0o755);
await writeFile(join(outdir, "THIRD-PARTY-LICENSES.txt"), await licences(inputs));

/**
 * `bin.js` is one file without anything that the quick ways do not need: each further file costs time at start. It is
 * CommonJS, because Node's loader of modules alone takes a tenth of the time of `node -e 0`.
 */
function apart(module: string): Plugin {
  return {
    name: "apart",
    setup({ onResolve }) {
      onResolve({ filter: new RegExp(`^\\./${module}\\.ts$`) }, () => ({ path: `./${module}.mjs`, external: true }));
    },
  };
}

/**
 * Parts of dependencies that heal never reaches: ssh connections made by a library (it uses the system's `ssh`) and
 * BuildKit's protocol. Whoever reaches one after all gets told which.
 */
function leaveOut(packages: readonly string[]): Plugin {
  const filter = new RegExp(`^(?:${packages.join("|")})(?:/|$)`);
  return {
    name: "leave-out",
    setup({ onResolve, onLoad }) {
      onResolve({ filter }, ({ path }) => ({ path, namespace: "left-out" }));
      onLoad({ filter: /.*/, namespace: "left-out" }, ({ path }) => ({
        contents: `module.exports = new Proxy(function () {}, {
          get: (_, key) => key === "__esModule" ? undefined : module.exports,
          apply: () => { throw new Error(${JSON.stringify(`${path} is not part of this build`)}); },
          construct: () => { throw new Error(${JSON.stringify(`${path} is not part of this build`)}); },
        });`,
        loader: "js",
      }));
    },
  };
}

/** What was written for CommonJS calls `require` for Node's own modules; a module has none unless it is made. */
async function giveRequire(file: string): Promise<void> {
  const text = await readFile(file, "utf8");
  if (!/\brequire\b/.test(text)) return;
  const made = 'import{createRequire as heal$require}from"node:module";const require=heal$require(import.meta.url);\n';
  const [first = "", ...rest] = text.split("\n");
  await writeFile(file, first.startsWith("#!") ? `${first}\n${made}${rest.join("\n")}` : made + text);
}

async function licences(inputs: readonly string[]): Promise<string> {
  const packages = new Set(inputs.flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
  const texts = await Promise.all([...packages].sort().map(licence));
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

async function licence(directory: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(root, directory, "package.json"), "utf8")) as Record<string, string>;
  const file = (await readdir(join(root, directory))).find((name) => /^(licen[sc]e|copying)/i.test(name));
  const text = file === undefined ? "" : await readFile(join(root, directory, file), "utf8");
  return `${manifest["name"]} ${manifest["version"]} (${manifest["license"]})\n\n${text.trim()}\n`;
}
