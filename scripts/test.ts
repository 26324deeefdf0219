/**
 * `npm test`: builds, then runs the unit tests, the properties, the edges, the simulator and the tests on real parts, one after the other. What is
 * not run is counted and named at the end, so that nothing is skipped in silence.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

const projects = ["unit", "properties", "edges", "simulator", "real"] as const;
const elsewhere = [
  { what: "three hosts on one machine", folder: "test/e2e/fleet", command: "npm run test:faults" },
  { what: "faults on real parts", folder: "test/e2e/faults", command: "npm run test:faults" },
] as const;

function run(command: string, args: readonly string[]): number {
  return spawnSync(command, args, { stdio: "inherit" }).status ?? 1;
}

const built = run("npm", ["run", "build"]);
if (built !== 0) process.exit(built);
const rows = projects.map((project) => {
  const beganMs = performance.now();
  const code = run("npx", ["--no-install", "vitest", "run", "--project", project]);
  return { project, code, seconds: (performance.now() - beganMs) / 1000 };
});

console.log("\nsummary");
for (const { project, code, seconds } of rows) {
  console.log(`  ${project.padEnd(10)} ${code === 0 ? "passed" : "FAILED"} in ${seconds.toFixed(0)} s`);
}
for (const { what, folder, command } of elsewhere) {
  const files = readdirSync(folder).filter((name) => name.endsWith(".test.ts")).length;
  console.log(`  not run: ${what}, ${files} files (${command})`);
}
process.exit(rows.some(({ code }) => code !== 0) ? 1 : 0);
