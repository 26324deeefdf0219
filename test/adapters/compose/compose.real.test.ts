import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realClock } from "../../../src/adapters/clock.ts";
import { openCompose } from "../../../src/adapters/compose/open-compose.ts";
import type { ComposeProject } from "../../../src/ports/compose.ts";
import { composeContract } from "../contracts/compose.ts";
import { byHand, realDockerHost } from "../docker/real.ts";

const services = {
  web: { image: "heal-demo/web:1", ports: ["8080"] },
  other: { image: "heal-demo/web:1" },
  named: { image: "heal-demo/web:1", container_name: "PROJECT-the-one" },
  fixed: { image: "heal-demo/web:1", ports: ["127.0.0.1:20911:8080"] },
  built: { build: "." },
};

composeContract("the real tool", async () => {
  const docker = byHand();
  const compose = openCompose({
    clock: realClock(),
    environment: process.env,
    hosts: { h1: { address: realDockerHost(), tlsDirectory: null } },
  });
  const projects: ComposeProject[] = [];

  const containersOf = async (project: string, service?: string) => {
    const label = [`com.docker.compose.project=${project}`];
    if (service !== undefined) label.push(`com.docker.compose.service=${service}`);
    return docker.listContainers({ all: true, filters: { label } });
  };

  return {
    compose,
    async start(name) {
      const workingDirectory = await mkdtemp(join(tmpdir(), "heal-compose-"));
      const project = { name, host: "h1", workingDirectory, configFiles: ["compose.json"] };
      projects.push(project);
      // JSON is YAML, too.
      const text = JSON.stringify({ version: "2.4", services }).replace("PROJECT", name);
      await writeFile(join(workingDirectory, "compose.json"), text);
      for (const service of ["web", "other", "named", "fixed"]) await compose.scale(project, service, 1);
      return project;
    },
    async running(project, service) {
      const containers = await containersOf(project.name, service);
      return containers.filter(({ State }) => State === "running").map(({ Id }) => Id);
    },
    async editFiles({ workingDirectory }) {
      const file = join(workingDirectory, "compose.json");
      const text = await readFile(file, "utf8");
      await writeFile(file, text.replace('"web":{', '"web":{"environment":{"CHANGED":"yes"},'));
    },
    async close() {
      for (const { name, workingDirectory } of projects) {
        for (const { Id } of await containersOf(name)) await docker.getContainer(Id).remove({ force: true, v: true });
        await docker.getNetwork(`${name}_default`).remove();
        await rm(workingDirectory, { recursive: true });
      }
    },
  };
});
