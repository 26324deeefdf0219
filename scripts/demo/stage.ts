import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ensureConsul } from "../machine/consul.ts";
import { ensureDocker } from "../machine/docker.ts";
import { askEngine } from "../machine/engine-api.ts";
import { ensureImages } from "../machine/images.ts";
import type { ProcessIdentity } from "../machine/processes.ts";
import { end } from "../machine/processes.ts";
import { holdFor } from "../machine/state.ts";
import type { Heal } from "./heal-process.ts";
import { openHeal } from "./heal-process.ts";
import type { MailSink } from "./mail-sink.ts";
import { openMailSink } from "./mail-sink.ts";
import type { Screen } from "./screen.ts";

export const ENVIRONMENT = "demo";
const FOLDER = "heal-demo-";
const KEPT = "daemon.json";

/** Everything the demo plays on. */
export interface Stage {
  readonly docker: string;
  readonly consul: string;
  readonly heal: Heal;
  readonly mail: MailSink;
  readonly config: string;
  readonly folder: string;
}

/** How to undo what was set up, in the order of setting up. */
export type Undo = (name: string, work: () => Promise<void>) => void;

/** Makes sure of an engine and a Consul agent, builds the image, and writes the demo's settings. */
export async function setStage(screen: Screen, undo: Undo): Promise<Stage> {
  const say = (line: string): void => screen.say(line);
  const docker = await ensureDocker({ say });
  undo("Docker", () => docker.stop());
  say(
    docker.startedByUs
      ? `Docker: started for this demo (${docker.dockerHost})`
      : `Docker: the running one (${docker.dockerHost})`,
  );
  const consul = await findConsul(screen, undo);
  await screen.step("service image, built without a registry", () =>
    ensureImages(docker.dockerHost, ["heal-demo/web:1"], { say }),
  );

  const folder = mkdtempSync(join(tmpdir(), FOLDER));
  undo("files", async () => rmSync(folder, { recursive: true, force: true }));
  const mail = await openMailSink();
  undo("mail sink", () => mail.close());
  const config = join(folder, "heal.json");
  writeFileSync(config, `${JSON.stringify(settings(docker.dockerHost, consul, mail.port, folder), null, 2)}\n`);
  undo("containers and what Consul knows of them", () => clearAway(docker.dockerHost, consul));
  await endKept();
  await clearAway(docker.dockerHost, consul);
  const heal = openHeal({
    program: resolve("dist/bin.js"),
    config,
    environment: { ...process.env, NO_COLOR: process.stdout.isTTY ? "" : "1" },
    logFile: join(folder, "heal.log"),
  });
  return { docker: docker.dockerHost, consul, heal, mail, config, folder };
}

/** The agent that runs already, where CONSUL_HTTP_ADDR or the usual port says; else one of the demo's own. */
async function findConsul(screen: Screen, undo: Undo): Promise<string> {
  const address = (process.env["CONSUL_HTTP_ADDR"] ?? "http://127.0.0.1:8500").replace(/^(?!https?:)/, "http://");
  if (await hasLeader(address)) {
    screen.say(`Consul: the running one (${address})`);
    return address;
  }
  const agent = await ensureConsul({ say: (line) => screen.say(line) });
  undo("Consul", () => agent.stop());
  screen.say(`Consul: started for this demo (${agent.address})`);
  return agent.address;
}

async function hasLeader(address: string): Promise<boolean> {
  try {
    const answer = await fetch(`${address}/v1/status/leader`, { signal: AbortSignal.timeout(1_000) });
    return answer.ok && (await answer.text()).length > 2;
  } catch {
    return false; // nobody listens there
  }
}

function settings(docker: string, consul: string, smtpPort: number, folder: string): object {
  return {
    defaultEnvironment: ENVIRONMENT,
    environments: {
      [ENVIRONMENT]: {
        consul: { address: consul },
        hosts: { local: { docker, address: "127.0.0.1" } },
        desiredState: [resolve("desired-state")],
      },
    },
    server: { listen: "none", socket: join(folder, "heal.sock") },
    alerts: {
      channels: {
        "ops-mail": {
          kind: "mail",
          smtp: `smtp://127.0.0.1:${smtpPort}`,
          from: "heal@demo.example",
          to: ["ops@demo.example"],
        },
      },
      routes: { default: { critical: ["ops-mail"], warning: ["ops-mail"], wait: "3s", repeat: "4h" } },
    },
  };
}

/** Has the daemon go on running, with the engine and the agent under it, until another demo ends it. */
export function keepRunning({ heal, folder }: Stage): void {
  const daemon = heal.leave();
  holdFor(daemon);
  writeFileSync(join(folder, KEPT), JSON.stringify(daemon));
}

async function endKept(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(FOLDER))) {
    const file = join(tmpdir(), name, KEPT);
    if (!existsSync(file)) continue;
    await end(JSON.parse(readFileSync(file, "utf8")) as ProcessIdentity, 10_000);
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** Removes the demo's containers, registrations and memory, and nothing else. */
async function clearAway(docker: string, consul: string): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`heal.environment=${ENVIRONMENT}`] }));
  const containers = await askEngine<{ Id: string }[]>(docker, "GET", `/containers/json?all=true&filters=${filters}`);
  for (const { Id } of containers) await askEngine(docker, "DELETE", `/containers/${Id}?force=true`);
  const services = (await (await fetch(`${consul}/v1/agent/services`)).json()) as Record<
    string,
    { Meta: Record<string, string> }
  >;
  for (const [id, { Meta }] of Object.entries(services)) {
    if (Meta["heal-environment"] === ENVIRONMENT || id === `heal-status.${ENVIRONMENT}`)
      await fetch(`${consul}/v1/agent/service/deregister/${id}`, { method: "PUT" });
  }
  await fetch(`${consul}/v1/kv/heal/${ENVIRONMENT}/?recurse`, { method: "DELETE" });
}
