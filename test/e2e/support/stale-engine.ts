/** What a run that was killed leaves, and what the next one makes of it. Run by a test in a network of its own. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { removeEngine, type EngineDetails } from "../../../scripts/machine/docker-removal.ts";
import { enginePart, ensureDocker } from "../../../scripts/machine/docker.ts";
import { askEngine } from "../../../scripts/machine/engine-api.ts";
import { ensureImages } from "../../../scripts/machine/images.ts";
import { mustRun, signal } from "../../../scripts/machine/processes.ts";
import { partFolder, readPart } from "../../../scripts/machine/state.ts";

const say = (line: string) => console.error(line);

const killed = await ensureDocker({ say });
await ensureImages(killed.dockerHost, ["heal-demo/web:1"], { say });
await askEngine(killed.dockerHost, "POST", "/networks/create", { json: { Name: "left-over", Driver: "bridge" } });
const { Id } = await askEngine<{ Id: string }>(killed.dockerHost, "POST", "/containers/create", {
  json: {
    Image: "heal-demo/web:1",
    HostConfig: { NetworkMode: "left-over", PortBindings: { "8080/tcp": [{ HostPort: "8080" }] } },
  },
});
await askEngine(killed.dockerHost, "POST", `/containers/${Id}/start`);
console.log("started");

const { details } = readPart<EngineDetails>(enginePart);
if (details?.dockerd === undefined) throw new Error("the engine was not written down");
signal(details.dockerd, "SIGKILL");
console.log("killed");

const recovered = await ensureDocker({ say });
if (!recovered.startedByUs) throw new Error("the dead engine was taken for a live one");
console.log("started again");

await recovered.stop();
await killed.stop();
await removeEngine(enginePart); // once more over nothing, as two runs that end together do
const links = (await mustRun("ip", ["-o", "link"])).split("\n").filter((line) => /heal-|br-|veth/.test(line));
const rules = (await mustRun("iptables-save", [])).split("\n").filter((line) => line.startsWith("-A"));
const mounts = readFileSync("/proc/self/mountinfo", "utf8")
  .split("\n")
  .filter((line) => line.includes(path.dirname(partFolder(enginePart))));
const cgroups = ["", "memory", "pids"]
  .map((name) => path.join("/sys/fs/cgroup", name, details.cgroup))
  .filter((folder) => existsSync(folder));
const folders = [partFolder(enginePart)].filter((folder) => existsSync(folder));
const left = [...links, ...rules, ...mounts, ...cgroups, ...folders];
console.log(`left: ${left.join("; ") || "nothing"}`);
