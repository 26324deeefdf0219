/**
 * The machine set-up by hand, for running single tests or looking around:
 *
 *   tsx scripts/machine/main.ts up [--fleet N]   starts what is missing, keeps it up, prints the variables for the tests;
 *                                                with a fleet of N hosts besides
 *   tsx scripts/machine/main.ts status           says what is up and who uses it
 *   tsx scripts/machine/main.ts down [--force]   takes it all down; forced, also what a running process uses
 *
 * Only the variables go to standard output, so that a shell can take them: eval "$(… up)"
 */
import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { ensureConsulBinary } from "./consul-binary.ts";
import { ensureConsul } from "./consul.ts";
import { ensureDocker } from "./docker.ts";
import { fleetScript } from "./fleet-removal.ts";
import { startFleet } from "./fleet.ts";
import { demoImages, ensureImages } from "./images.ts";
import { holders, partNames, stateFolder } from "./state.ts";
import { sweep, takeDown, untilEnded } from "./sweep.ts";

const say = (line: string) => console.error(`machine: ${line}`);

async function up(hosts: number): Promise<void> {
  await sweep({ say });
  const engine = await ensureDocker({ say, keep: true });
  await ensureImages(engine.dockerHost, demoImages, { say });
  const consul = await ensureConsul({ say, keep: true });
  tell({
    HEAL_TEST_DOCKER: engine.dockerHost,
    HEAL_TEST_CONSUL: consul.address,
    HEAL_TEST_CONSUL_BIN: await ensureConsulBinary({ say }),
  });
  if (hosts > 0) await fleetUp(hosts);
}

async function fleetUp(count: number): Promise<void> {
  const running = partNames().find((name) => name.startsWith("fleet-") && holders(name).includes("kept"));
  if (running !== undefined) return say(`${running} is up already; take it down first for another`);
  const { folder, hosts, consul } = await startFleet({ say, hosts: count, keep: true });
  tell({ HEAL_FLEET_HOSTS: hosts.map((host) => host.docker).join(","), HEAL_FLEET_CONSUL: consul.address });
  say(`for faults: ${fleetScript} ${folder} poweroff 2 (and boot, pause, resume, unplug, plug, …)`);
}

function tell(variables: { readonly [name: string]: string }): void {
  for (const [name, value] of Object.entries(variables)) console.log(`export ${name}=${value}`);
}

async function down(force: boolean): Promise<void> {
  const gone = await takeDown({ say, force });
  if (gone) rmSync(stateFolder(), { recursive: true, force: true });
  process.exitCode = gone ? 0 : 1;
}

function status(): void {
  const names = partNames();
  if (names.length === 0) say("nothing is up");
  for (const name of names) {
    const users = holders(name).map((holder) => (holder === "kept" ? "kept up" : `process ${holder.pid}`));
    console.log(`${name}\t${users.join(", ") || "left over"}`);
  }
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    fleet: { type: "string", default: "0" },
    force: { type: "boolean", default: false },
    after: { type: "string" },
  },
});

async function command(name: string | undefined): Promise<void> {
  switch (name) {
    case "up":
      return up(Number(values.fleet));
    case "down":
      return down(values.force);
    case "status":
      return status();
    case "sweep": // what an ended run starts to clear up after itself
      if (values.after !== undefined) await untilEnded(Number(values.after));
      return sweep({ say });
    default:
      say("usage: main.ts up [--fleet N] | down [--force] | status");
      process.exitCode = 2;
  }
}

try {
  await command(positionals[0]);
} catch (error) {
  // What goes wrong here is about the machine, and its message says what; where in our code says nothing to anyone.
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
