/**
 * Engines that only say what they run: for a fleet whose thousands of containers no machine could run. Answers what a
 * daemon that has nothing to do asks, over a socket each, in a process of its own so that its cost is nobody's.
 *
 *     tsx engine-server.ts FOLDER SERVICES
 *
 * makes FOLDER/<host>.sock for each host, writes FOLDER/registrations.json with what is registered in Consul, and says
 * "ready".
 */
import { writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import type { ListedJson } from "./fleet.ts";
import { aFleet, inspectedJson } from "./fleet.ts";

const RUNNING_FOR_MS = 3 * 3_600_000;

const [folder = "", services = "10"] = process.argv.slice(2);
const startedMs = Date.now() - RUNNING_FOR_MS;
const fleet = await aFleet(Number(services), startedMs);
writeFileSync(join(folder, "registrations.json"), JSON.stringify(registrations()));
await Promise.all(fleet.hosts.map((host) => serve(host, fleet.listed[host] ?? [])));
console.log("ready");

function serve(host: string, listed: readonly ListedJson[]): Promise<void> {
  const list = Buffer.from(JSON.stringify(listed.map((one) => ({ ...one, Status: "Up 3 hours" }))));
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

/** As an agent's configuration has them; their checks are never reported on, and stay as they are. */
function registrations(): readonly object[] {
  type Entry = {
    Service: { ID: string; Service: string; Tags: string[]; Address: string; Meta: object; Port: number };
  };
  return Object.values(fleet.health).flatMap((entries) =>
    (entries as readonly Entry[]).map(({ Service }) => ({
      id: Service.ID,
      name: Service.Service,
      tags: Service.Tags,
      address: Service.Address,
      meta: Service.Meta,
      port: Service.Port,
      check: { id: `service:${Service.ID}`, ttl: "240h", status: "passing" },
    })),
  );
}
