/**
 * Resyncs a whole fleet whose answers lie on disk, by turns with the least that any program must do with the same
 * answers: JSON.parse, and a comparison with a Map of what was there before. Prints samples as JSON. A process of its
 * own, so that its memory is heal's.
 *
 * Costs are CPU time of this process, garbage collection included: on a busy machine the clock on the wall measures
 * the others. How long a turn of the event loop takes is CPU time of the thread that runs it, in turns of their own.
 */
import { openSync, readSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { readAnswers } from "./answers-on-disk.ts";
import { loadDesired } from "./fleet.ts";
import { openInProcess } from "./in-process.ts";

const [folder = "", turns = "5"] = process.argv.slice(2);
const answers = readAnswers(folder);
const desired = await loadDesired(join(folder, "services.json"));
const heal = await openInProcess({ desired, hosts: answers.hosts }, answers);

const own = openSync(`/proc/self/task/${process.pid}/schedstat`, "r");
const read = Buffer.alloc(128);
let blockedMs = 0;
let isWatching = false;
let lastMs = 0;

await measured(() => heal.resync()); // the first one reads everything for the first time
const samples: { subject: number; reference: number }[] = [];
const blocked: number[] = [];
let rssMiB = 0;
const before = new Map<string, string>();
for (let turn = 0; turn < Number(turns); turn += 1) {
  const subject = await measured(() => heal.resync());
  // The reference keeps its own Map, which is none of heal's memory: so only what was measured before it counts.
  if (turn === 0) rssMiB = process.memoryUsage().rss / 1024 / 1024;
  const reference = await measured(async () => leastWork());
  if (turn > 0) samples.push({ subject, reference });
  // What the reference did in this turn of the event loop, and the collection of its garbage, is none of heal's.
  await breathe();
  await breathe();
  blockedMs = 0;
  isWatching = true;
  lastMs = threadMs();
  watch();
  await heal.resync();
  isWatching = false;
  blocked.push(blockedMs);
}
console.log(JSON.stringify({ samples, blocked, rssMiB, bytes: answers.bytes, asked: heal.asked }));
process.exit(0);

/** A Map from container to what tells it apart, of both sources. */
function leastWork(): void {
  let differences = 0;
  const note = (id: string, mark: string): void => {
    if (before.get(id) === mark) return;
    before.set(id, mark);
    differences += 1;
  };
  for (const service of answers.services) {
    const entries = JSON.parse(answers.health(service)) as {
      Service: { ID: string; ModifyIndex: number };
      Checks: { Status: string }[];
    }[];
    for (const { Service, Checks } of entries)
      note(Service.ID, `${Service.ModifyIndex}${Checks[0]?.Status}${Checks[1]?.Status}`);
  }
  for (const host of answers.hosts) {
    const entries = JSON.parse(answers.listed(host)) as { Id: string; State: string }[];
    for (const { Id, State } of entries) note(Id, State);
  }
  if (differences < 0) throw new Error("never");
}

async function measured(work: () => Promise<void>): Promise<number> {
  const beganMs = cpuMs();
  await work();
  return cpuMs() - beganMs;
}

/** How long one turn of the event loop works without a pause. */
function watch(): void {
  if (!isWatching) return;
  const nowMs = threadMs();
  blockedMs = Math.max(blockedMs, nowMs - lastMs);
  lastMs = nowMs;
  setImmediate(watch);
}

/** CPU time of this thread alone, in nanoseconds by the kernel's scheduler. */
function threadMs(): number {
  const length = readSync(own, read, 0, read.length, 0);
  return Number.parseInt(read.toString("latin1", 0, length), 10) / 1_000_000;
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
