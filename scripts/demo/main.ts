/**
 * `npm run demo [-- --keep]`: the main job on real parts, from nothing to a healed service and an alert.
 */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import pc from "picocolors";
import { mustRun } from "../machine/processes.ts";
import { sweepAfterExit } from "../machine/sweep.ts";
import { healthy, healKilled, surplus } from "./acts.ts";
import { openScreen } from "./screen.ts";
import { keepRunning, setStage } from "./stage.ts";

const { values } = parseArgs({ options: { keep: { type: "boolean", default: false } } });
const screen = openScreen(process.stdout);
const undos: { readonly name: string; readonly work: () => Promise<void> }[] = [];

/** Undoes everything in reverse order; what cannot be undone is said and does not keep the rest from being undone. */
async function undoAll(): Promise<void> {
  for (let undo = undos.pop(); undo !== undefined; undo = undos.pop()) {
    const { name, work } = undo;
    await work().catch((error: unknown) => screen.say(pc.red(`${name} could not be cleaned up: ${String(error)}`)));
  }
}

async function play(): Promise<void> {
  screen.act("A Docker engine, a Consul agent and a service image");
  if (!existsSync("dist/bin.js")) await screen.step("building heal", () => mustRun("npm", ["run", "build"]));
  const stage = await setStage(screen, (name, work) => undos.push({ name, work }));

  screen.act("heal starts what the desired state asks for");
  undos.push({ name: "heal", work: () => stage.heal.stop() });
  await healthy(screen, stage);
  screen.act("A container is killed");
  await healKilled(screen, stage);
  screen.act("Somebody starts one too many");
  await surplus(screen, stage);

  if (!values.keep) return;
  keepRunning(stage);
  undos.length = 0;
  const heal = `node dist/bin.js --config ${stage.config}`;
  screen.act("It goes on running; try");
  screen.say(`${heal} status`);
  screen.say(`${heal} why web`);
  screen.say(`DOCKER_HOST=${stage.docker} docker ps`);
  screen.say(`curl -s ${stage.consul}/v1/health/service/web?passing`);
  screen.say("npm run demo            (plays it again from the start and cleans up)");
}

let interrupted = false;
for (const [signal, number] of [
  ["SIGINT", 2],
  ["SIGTERM", 15],
] as const) {
  process.on(signal, () => {
    if (interrupted) process.exit(128 + number);
    interrupted = true;
    screen.say("");
    screen.say("interrupted: cleaning up (once more to leave it to a process of its own)");
    void undoAll().then(() => process.exit(128 + number));
  });
}
sweepAfterExit();
const beganMs = performance.now();
try {
  await play();
  if (!values.keep) await screen.step("cleaning up", undoAll);
  screen.say(pc.green(`done in ${((performance.now() - beganMs) / 1000).toFixed(0)} s`));
  // The mail sink of a kept demo would keep this process; the daemon is one of its own.
  process.exit(0);
} catch (error) {
  if (!interrupted) {
    screen.say(pc.red(error instanceof Error ? error.message : String(error)));
    await undoAll();
    process.exit(1);
  }
}
