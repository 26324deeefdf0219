/**
 * Not heal: asks what its daemon asks while nothing happens, as often, and does nothing with the answers. What this costs
 * is what Node takes for the questions alone.
 *
 *     tsx idler.ts FOLDER CONSUL
 *
 * FOLDER holds the sockets that `engine-server.ts` makes. Says "ready".
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { openAsker } from "./asker.ts";

const ENGINES_EVERY_MS = 1_000;
const LEADERSHIP_EVERY_MS = 500;
const polled = ["/v1/health/state/critical", "/v1/health/state/warning", "/v1/catalog/services"];

const [folder = "", consul = ""] = process.argv.slice(2);
const engines = readdirSync(folder)
  .filter((name) => /^h\d+\.sock$/.test(name))
  .map((name) => openAsker(`unix://${join(folder, name)}`));
const ask = openAsker(consul);

setInterval(() => void Promise.all(engines.map((engine) => engine("GET", "/_ping"))), ENGINES_EVERY_MS);
setInterval(() => {
  void ask("GET", "/v1/kv/bare/leader?consistent=1");
  // As large as a renewal, and as little to do for the agent.
  void ask("GET", "/v1/status/leader");
}, LEADERSHIP_EVERY_MS);
for (const path of polled) void poll(path);
console.log("ready");

async function poll(path: string): Promise<never> {
  for (;;) await ask("GET", `${path}?index=1000000&wait=10s`);
}
