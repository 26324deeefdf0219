/**
 * Measures heal on this machine, each figure against its reference in the same run:
 *
 *   npm run bench                        everything
 *   npm run bench -- --quick             everything, with fewer turns and smaller fleets
 *   npm run bench -- plan-one resync     these rows; `redis` is all that begin with `redis-`
 *   npm run bench -- --list              the ids, with what each measures
 *   npm run bench -- --json FILE         also writes the results for programs
 *
 * Ends with code 0 when every row was measured, whether its goal is met or not; with 1 when a row could not be.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Context, Result, Row } from "./harness/row.ts";
import { resultOf } from "./harness/row.ts";
import { figureOf, jsonOf, tableOf } from "./harness/table.ts";
import { rows } from "./rows.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    list: { type: "boolean", default: false },
  },
});

if (values.list)
  for (const { id, what, reference } of rows)
    console.log(`${id}\t${what}${reference === null ? "" : ` | ${reference}`}`);
else process.exitCode = await measure(chosen(positionals));

function chosen(ids: readonly string[]): readonly Row[] {
  const isMeant = (id: string, row: Row): boolean => row.id === id || row.id.startsWith(`${id}-`);
  const unknown = ids.filter((id) => !rows.some((row) => isMeant(id, row)));
  if (unknown.length > 0) throw new Error(`no such row: ${unknown.join(", ")}; --list names them`);
  return ids.length === 0 ? rows : rows.filter((row) => ids.some((id) => isMeant(id, row)));
}

type Undo = { readonly name: string; readonly work: () => Promise<void> | void };

async function measure(wanted: readonly Row[]): Promise<number> {
  const undos: Undo[] = [];
  const context = contextOf(undos);
  const results: Result[] = [];
  let failures = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void clearAway(undos, context).finally(() => process.exit(1)));
  try {
    for (const row of wanted) {
      context.say(`${row.id}: ${row.what}`);
      try {
        const result = resultOf(row, await row.run(context));
        results.push(result);
        context.say(`${row.id}: ${figureOf(result)}`);
      } catch (error) {
        failures += 1;
        context.say(`${row.id} could not be measured: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  } finally {
    await clearAway(undos, context);
  }
  console.log(tableOf(results));
  if (values.json !== undefined) writeFileSync(values.json, jsonOf(results));
  return failures === 0 ? 0 : 1;
}

async function clearAway(undos: Undo[], { say }: Context): Promise<void> {
  for (const { name, work } of undos.splice(0).toReversed()) {
    await Promise.resolve()
      .then(work)
      .catch((error: unknown) => say(`${name} could not be cleared away: ${String(error)}`));
  }
}

function contextOf(undos: Undo[]): Context {
  const made = new Map<string, Promise<unknown>>();
  return {
    quick: values.quick,
    say: (line) => console.error(`bench: ${line}`),
    once<T>(name: string, make: () => Promise<T>): Promise<T> {
      const before = made.get(name) as Promise<T> | undefined;
      const mine = before ?? make();
      made.set(name, mine);
      return mine;
    },
    undo: (name, work) => void undos.push({ name, work }),
  };
}
