import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/**
 * Keeps what V8 makes of the program in `directory`, beside it. Only what has run is compiled, so a dry run goes through
 * most of what a one-shot `heal` needs: on a site where Consul and the engine answer, and know of nothing.
 */
export async function compileAhead(directory: string): Promise<void> {
  const site = await mkdtemp(join(tmpdir(), "heal-build-"));
  const server = createServer((_request, response) => {
    response.writeHead(200, answerHeaders);
    response.end("[]");
  });
  try {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const config = await furnish(site, `127.0.0.1:${(server.address() as AddressInfo).port}`);
    await promisify(execFile)(process.execPath, ["-e", dryRun, join(directory, "ordinary.js"), config]);
  } finally {
    server.close();
    server.closeAllConnections();
    await rm(site, { recursive: true, force: true });
  }
}

const answerHeaders = {
  "content-type": "application/json",
  "x-consul-index": "1",
  "x-consul-knownleader": "true",
  "x-consul-lastcontact": "0",
  "api-version": "1.41",
};

/** Gives the settings file. */
async function furnish(site: string, address: string): Promise<string> {
  const hosts = { local: { docker: `tcp://${address}`, address: "127.0.0.1" } };
  const build = { consul: { address: `http://${address}` }, hosts, desiredState: ["desired"] };
  const server = { listen: "none", socket: join(site, "heal.sock") };
  const container = { image: "web:1", ports: [{ container: 80 }] };
  const services = { web: { count: 1, container, health: { http: "/healthz", port: 80 } } };
  await mkdir(join(site, "desired"));
  await writeFile(join(site, "desired", "services.json"), JSON.stringify({ services }));
  const config = join(site, "heal.json");
  await writeFile(config, JSON.stringify({ environments: { build }, defaultEnvironment: "build", server }));
  return config;
}

const dryRun = `
const [path, config] = process.argv.slice(1);
const { openProgram, compiledFile } = require(path);
const { script, ordinary } = openProgram();
const nothing = () => {};
const terminal = { out: nothing, err: nothing, outColumns: null, outColours: false, errColours: false,
  errIsTerminal: false, inputIsTerminal: false, readInput: async () => "", onInterrupt: () => nothing };
ordinary(["--dry-run", "--config", config], terminal).then((code) => {
  if (code > 3) throw new Error("the dry run ended with " + code);
  require("node:fs").writeFileSync(compiledFile(), script.createCachedData());
  process.exit(0);
});
`;
