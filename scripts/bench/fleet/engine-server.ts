/**
 * Engines that only say what they run: for a fleet whose thousands of containers no machine could run. Answers what a
 * daemon that has nothing to do asks, over a socket each, in a process of its own so that its cost is nobody's.
 *
 *     tsx engine-server.ts FOLDER SERVICES
 *
 * makes FOLDER/<host>.sock and FOLDER/<host>.agent for each host, writes FOLDER/registrations.json with what is registered in Consul, and says
 * "ready".
 */
import { writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import type { ListedJson } from "./fleet.ts";
import { aFleet, inspectedJson, nodeOf } from "./fleet.ts";

/** So long that what a list says of it stays true however long a bench runs. */
const RUNNING_FOR_MS = 20 * 24 * 3_600_000;

const [folder = "", services = "10"] = process.argv.slice(2);
const startedMs = Date.now() - RUNNING_FOR_MS;
const fleet = await aFleet(Number(services), startedMs);
writeFileSync(join(folder, "registrations.json"), JSON.stringify(registrations()));
await Promise.all(fleet.hosts.flatMap((host) => [serve(host, fleet.listed[host] ?? []), serveAgent(host)]));
console.log("ready");

function serve(host: string, listed: readonly ListedJson[]): Promise<void> {
  const list = Buffer.from(JSON.stringify(listed.map((one) => ({ ...one, Status: "Up 2 weeks" }))));
  const byId = new Map(listed.map((one) => [one.Id, one]));
  const info = JSON.stringify({ ID: host, Swarm: { NodeID: "", ControlAvailable: false } });
  const server = http.createServer((request, response) => {
    const path = (request.url ?? "").replace(/^\/v[\d.]+/, "");
    response.setHeader("Api-Version", "1.41");
    if (path === "/_ping") return void response.end("OK");
    response.setHeader("Content-Type", "application/json");
    if (path.startsWith("/info")) return void response.end(info);
    // Nothing ever happens.
    if (path.startsWith("/events")) return void response.flushHeaders();
    if (path.startsWith("/containers/json")) return void response.end(list);
    const found = byId.get(/^\/containers\/(\w+)\/json/.exec(path)?.[1] ?? "");
    if (found !== undefined) return void response.end(JSON.stringify(inspectedJson(found, startedMs)));
    response.statusCode = request.method === "GET" ? 404 : 500;
    response.end('{"message":"nothing is to be changed here"}');
  });
  server.keepAliveTimeout = 600_000;
  return new Promise((resolve) => server.listen(join(folder, `${host}.sock`), resolve));
}

/** What an agent of Consul on the host would be asked: which node it is. */
function serveAgent(host: string): Promise<void> {
  const self = JSON.stringify({ Config: { NodeName: nodeOf(host) } });
  const server = http.createServer((request, response) => {
    response.setHeader("Content-Type", "application/json");
    response.statusCode = request.url?.startsWith("/v1/agent/self") === true ? 200 : 500;
    response.end(self);
  });
  return new Promise((resolve) => server.listen(join(folder, `${host}.agent`), resolve));
}

/** Operations of transactions that put it all into the catalog, on a node for each host. */
function registrations(): readonly object[] {
  const nodes = fleet.hosts.map((host) => ({
    Node: { Verb: "set", Node: { Node: nodeOf(host), Address: "10.0.0.1" } },
  }));
  type Entry = { readonly Node: { readonly Node: string }; readonly Service: Registered; readonly Checks: object[] };
  type Registered = { readonly [key in "ID" | "Service" | "Tags" | "Address" | "Meta" | "Port"]: unknown };
  const services = (Object.values(fleet.health).flat() as Entry[]).flatMap(({ Node: { Node }, Service, Checks }) => {
    const { ID, Service: name, Tags, Address, Meta, Port } = Service;
    return [
      { Service: { Verb: "set", Node, Service: { ID, Service: name, Tags, Address, Meta, Port } } },
      { Check: { Verb: "set", Check: { ...Checks[1], Definition: undefined } } },
    ];
  });
  return [...nodes, ...services];
}
