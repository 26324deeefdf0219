/**
 * Global set-up of the tests that need real parts: one Docker engine with the demo images and one Consul agent for the
 * whole run. What runs already is used and left running; what was started here ends with the run.
 *
 * Tests read the addresses with `inject("docker")` and so on; programs they start, from HEAL_TEST_DOCKER,
 * HEAL_TEST_CONSUL and HEAL_TEST_CONSUL_BIN. Whoever sets these variables beforehand has the tests use those parts.
 */
import { availableParallelism, release } from "node:os";
import type { ProvidedContext } from "vitest";
import type { TestProject } from "vitest/node";
import { ensureConsulBinary } from "../../../scripts/machine/consul-binary.ts";
import { ensureConsul } from "../../../scripts/machine/consul.ts";
import { ensureDocker } from "../../../scripts/machine/docker.ts";
import { askEngine } from "../../../scripts/machine/engine-api.ts";
import { demoImages, ensureImages } from "../../../scripts/machine/images.ts";
import { ensurePrograms, type Need } from "../../../scripts/machine/packages.ts";
import { ensureSwarm } from "../../../scripts/machine/swarm.ts";
import { sweep, sweepAfterExit } from "../../../scripts/machine/sweep.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The engine, as DOCKER_HOST spells it. */
    docker: string;
    /** The HTTP address of the Consul agent. */
    consul: string;
    /** The path of the consul program. */
    consulBinary: string;
  }
}

/** What tests start themselves, besides the engine and Consul. */
const programs: readonly Need[] = [
  { programs: ["docker-compose"], package: "docker-compose" },
  { programs: ["redis-server"], package: "redis-server" },
  { programs: ["prometheus-alertmanager"], package: "prometheus-alertmanager" },
  { programs: ["openssl"], package: "openssl" },
  { programs: ["ssh"], package: "openssh-client" },
  { programs: ["sshd"], package: "openssh-server" },
  { programs: ["/usr/share/bash-completion/bash_completion"], package: "bash-completion" },
  { programs: ["zsh"], package: "zsh" },
  { programs: ["fish"], package: "fish" },
  { programs: ["haproxy"], package: "haproxy" },
];

const say = (line: string) => console.error(`machine: ${line}`);

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  sweepAfterExit();
  await sweep({ say });
  const started: { stop(): Promise<void> }[] = [];
  const teardown = async () => {
    for (const part of started.toReversed()) await part.stop();
  };
  const given = process.env;
  try {
    await ensurePrograms(programs, { say });
    const docker = given["HEAL_TEST_DOCKER"] ?? (await ensureDocker({ say }).then(remember(started))).dockerHost;
    await ensureImages(docker, demoImages, { say });
    started.push({ stop: await ensureSwarm(docker) });
    const consul = given["HEAL_TEST_CONSUL"] ?? (await ensureConsul({ say }).then(remember(started))).address;
    const consulBinary = given["HEAL_TEST_CONSUL_BIN"] ?? (await ensureConsulBinary({ say }));
    tell(project, { docker, consul, consulBinary });
    process.env["HEAL_TEST_VERSIONS"] = await versionsOf(docker, consul);
    return teardown;
  } catch (error) {
    await teardown();
    throw error;
  }
}

/** What the tests of this run run against, for their report. */
async function versionsOf(docker: string, consul: string): Promise<string> {
  const engine = await askEngine<{ Version: string; ApiVersion: string }>(docker, "GET", "/version");
  const agent = (await (await fetch(`${consul}/v1/agent/self`)).json()) as { readonly Config: { Version: string } };
  const machine = `Linux ${release()} on ${availableParallelism()} cores`;
  return `Docker ${engine.Version} (API ${engine.ApiVersion}), Consul ${agent.Config.Version}, Node ${process.versions.node}, ${machine}`;
}

function tell(project: TestProject, parts: Pick<ProvidedContext, "docker" | "consul" | "consulBinary">): void {
  project.provide("docker", parts.docker);
  project.provide("consul", parts.consul);
  project.provide("consulBinary", parts.consulBinary);
  process.env["HEAL_TEST_DOCKER"] = parts.docker;
  process.env["HEAL_TEST_CONSUL"] = parts.consul;
  process.env["HEAL_TEST_CONSUL_BIN"] = parts.consulBinary;
}

function remember(started: { stop(): Promise<void> }[]) {
  return <Part extends { stop(): Promise<void> }>(part: Part): Part => {
    started.push(part);
    return part;
  };
}
