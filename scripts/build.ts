import { chmod, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { BuildOptions, Plugin } from "esbuild";
import { compileAhead } from "./build/compile-ahead.ts";

/**
 * Bundles the program to `dist/`: `bin.js` with the quick ways, `program.js` with all the rest, of which each part is run
 * when a command first needs it, and what V8 made of that. Nothing else has to be installed to run it, so the licences of what is bundled go with it.
 */
const root = fileURLToPath(new URL("..", import.meta.url));
const outdir = resolve(root, process.argv[2] ?? "dist");

await rm(outdir, { recursive: true, force: true });
const common: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  // Node's loader of modules alone takes a tenth of the time of `node -e 0`; one of its own kind can be compiled ahead.
  format: "cjs",
  supported: { "dynamic-import": false },
  define: { "import.meta.url": "heal$url" },
  platform: "node",
  target: "node20.19",
  // Its other form loads its parts in a way that no bundler can follow.
  alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: false,
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
};
/** What was written as a module asks for its own address. */
const ownAddress = 'const heal$url=require("node:url").pathToFileURL(__filename).href;';
const neverReached = [
  "ssh2",
  "cpu-features",
  "docker-modem",
  "tar-fs",
  "@balena/dockerignore",
  "@grpc/grpc-js",
  "@grpc/proto-loader",
  "protobufjs",
  "fsevents",
];
/**
 * Packages that only some commands need, each in a file of its own: V8 takes its time for a long text even where next to
 * nothing of it is run.
 */
const packagesApart = [
  "fastify",
  "@fastify/bearer-auth",
  "ioredis",
  "liquidjs",
  "node-cron",
  "nodemailer",
  "pino",
  "prom-client",
  "undici",
  "yaml",
];
const builds = [
  await build({
    ...common,
    entryPoints: ["src/bin.ts"],
    outfile: join(outdir, "bin.js"),
    plugins: [apart("ordinary")],
  }),
  await build({ ...common, entryPoints: ["scripts/build/ordinary.ts"], outfile: join(outdir, "ordinary.js") }),
  await build({
    ...common,
    entryPoints: ["src/ordinary.ts"],
    outfile: join(outdir, "program.js"),
    // What Node itself puts around such a file.
    banner: { js: `(function(exports,require,module,__filename,__dirname){${ownAddress}` },
    footer: { js: "})" },
    plugins: [packaged(packagesApart), leaveOut(neverReached)],
  }),
  ...(await Promise.all(
    packagesApart.map((name) =>
      build({
        ...common,
        entryPoints: [name],
        outfile: join(outdir, fileOf(name)),
        banner: { js: ownAddress },
        plugins: [leaveOut(neverReached)],
      }),
    ),
  )),
];
const inputs = builds.flatMap(({ metafile }) => Object.keys(metafile?.inputs ?? {}));
await writeFile(join(outdir, "package.json"), '{ "type": "commonjs" }\n');
await chmod(join(outdir, "bin.js"), 0o755);
await writeFile(join(outdir, "THIRD-PARTY-LICENSES.txt"), await licences(inputs));
await compileAhead(outdir);

function fileOf(name: string): string {
  return `packages/${name.replace(/^@/, "").replace("/", "-")}.js`;
}

/** What the program itself imports of these packages is loaded from the packages' own files. */
function packaged(packages: readonly string[]): Plugin {
  return {
    name: "packaged",
    setup({ onResolve }) {
      onResolve({ filter: new RegExp(`^(?:${packages.join("|")})$`) }, ({ path, importer }) =>
        importer.includes("node_modules") ? null : { path: `./${fileOf(path)}`, external: true },
      );
    },
  };
}

/** `bin.js` is one file without anything that the quick ways do not need: each further file costs time at start. */
function apart(module: string): Plugin {
  return {
    name: "apart",
    setup({ onResolve }) {
      onResolve({ filter: new RegExp(`^\\./${module}\\.ts$`) }, () => ({ path: `./${module}.js`, external: true }));
    },
  };
}

/**
 * Parts of dependencies that heal never reaches: ssh connections made by a library (it uses the system's `ssh`),
 * dockerode's own way to carry requests (it has one of its own), what packs folders for building images, and BuildKit's
 * protocol. Whoever reaches one after all gets told which.
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
