/**
 * Not heal: one container that is put back when it dies, with the questions and the one write that heal has in between, and
 * no thought about the answers. What this takes is what Docker, Consul and Node take.
 *
 *     tsx healer.ts DOCKER CONSUL NAME PORT
 *
 * Labels its containers `bare=NAME`, and says "ready". Ends on SIGTERM, and its container with it.
 */
import { openRawEngine } from "../harness/raw-engine.ts";
import { openAsker } from "./asker.ts";

const [docker = "", consul = "", name = "", port = ""] = process.argv.slice(2);
const engine = await openRawEngine(docker);
const agent = openAsker(consul);
const creation = {
  Image: "heal-demo/web:1",
  Labels: { bare: name },
  Env: [`PORT=${port}`],
  HostConfig: { NetworkMode: "host" },
};
/** As much as heal writes of a service before it starts something. */
const intent = JSON.stringify([
  { KV: { Verb: "set", Key: `bare/${name}`, Value: Buffer.from("x".repeat(1_200)).toString("base64") } },
]);
const WARM_EVERY_MS = 1_000;
const listed = `/v1.41/containers/json?all=true&filters=${encodeURIComponent(`{"label":["bare=${name}"]}`)}`;

let current = await start();
// Connections and code are as warm as a daemon's.
setInterval(() => void look(), WARM_EVERY_MS);
process.once("SIGTERM", () => void end());
console.log("ready");

for (;;) {
  const dead = current;
  await engine.event("die", ({ id }) => id === dead);
  await look();
  await agent("PUT", "/v1/txn", intent);
  current = await start();
  await remove(dead);
}

async function look(): Promise<void> {
  await Promise.all([engine.ask("GET", listed), engine.ask("GET", "/v1.41/_ping")]);
  JSON.parse(await agent("GET", `/v1/health/service/${name}?consistent=1`));
}

async function start(): Promise<string> {
  const { Id } = await engine.ask<{ Id: string }>("POST", "/v1.41/containers/create", creation);
  await engine.ask("POST", `/v1.41/containers/${Id}/start`);
  return Id;
}

async function remove(id: string): Promise<void> {
  await engine.ask("DELETE", `/v1.41/containers/${id}?force=1&v=1`);
}

async function end(): Promise<void> {
  await remove(current);
  await agent("DELETE", `/v1/kv/bare/${name}`);
  process.exit();
}
