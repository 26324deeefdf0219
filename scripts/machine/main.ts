/**
 * The machine set-up by hand, for running single tests or looking around:
 *
 *   tsx scripts/machine/main.ts up       starts what is missing, keeps it up, prints the variables for the tests
 *   tsx scripts/machine/main.ts status   says what is up and who uses it
 *   tsx scripts/machine/main.ts down     takes it all down (--force: also what a running process uses)
 *
 * Only the variables go to standard output, so that a shell can take them: eval "$(… up)"
 */
import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { ensureConsulBinary } from "./consul-binary.ts";
import { ensureConsul } from "./consul.ts";
import { ensureDocker } from "./docker.ts";
import { demoImages, ensureImages } from "./images.ts";
import { holders, partNames, stateFolder } from "./state.ts";
import { sweep, takeDown, untilEnded } from "./sweep.ts";

const say = (line: string) => console.error(`machine: ${line}`);

async function up(): Promise<void> {
  await sweep({ say });
  const engine = await ensureDocker({ say, keep: true });
  await ensureImages(engine.dockerHost, demoImages, { say });
  const consul = await ensureConsul({ say, keep: true });
  const variables = {
    HEAL_TEST_DOCKER: engine.dockerHost,
    HEAL_TEST_CONSUL: consul.address,
    HEAL_TEST_CONSUL_BIN: await ensureConsulBinary({ say }),
  };
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
  options: { force: { type: "boolean", default: false }, after: { type: "string" } },
});

switch (positionals[0]) {
  case "up":
    await up();
    break;
  case "down":
    await down(values.force);
    break;
  case "status":
    status();
    break;
  case "sweep": // what an ended run starts to clear up after itself
    if (values.after !== undefined) await untilEnded(Number(values.after));
    await sweep({ say });
    break;
  default:
    say("usage: main.ts up | down [--force] | status");
    process.exitCode = 2;
}
