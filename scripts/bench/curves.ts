/**
 * Draws what planning, a look and memory cost as the fleet grows: `tsx scripts/bench/curves.ts` measures at 10, 100,
 * 1,000 and 10,000 services and writes docs/curves.svg. Costs are CPU time of this process.
 */
import { writeFileSync } from "node:fs";
import { keepAnswers } from "./fleet/answers-on-disk.ts";
import { aFleet, INSTANCES_EACH, serviceName } from "./fleet/fleet.ts";
import { openInProcess } from "./fleet/in-process.ts";

interface Curve {
  readonly name: string;
  readonly points: readonly number[];
}

const sizes = process.argv.includes("--quick") ? [10, 100, 1_000] : [10, 100, 1_000, 10_000];
const measured = [];
for (const services of sizes) measured.push(await measure(services));
const curves: readonly Curve[] = [
  { name: "full resync, CPU ms", points: measured.map(({ resyncMs }) => resyncMs) },
  { name: "one changed service, CPU ms", points: measured.map(({ hintMs }) => hintMs) },
  { name: "one changed service, requests", points: measured.map(({ requests }) => requests) },
  { name: "heap, MiB", points: measured.map(({ heapMiB }) => heapMiB) },
];
for (const { name, points } of curves) console.log(name, points.map((point) => point.toPrecision(3)).join("  "));
writeFileSync("docs/curves.svg", svgOf(curves));
process.exit(0);

async function measure(services: number) {
  const fleet = await aFleet(services, Date.now());
  const heal = await openInProcess(fleet, keepAnswers(fleet));
  const resyncs = await median(3, () => heal.resync());
  const before = heal.asked.consul + heal.asked.docker;
  const hints = 30;
  const hintMs =
    (await cost(async () => {
      for (let at = 0; at < hints; at += 1) await heal.hint([serviceName(at % services)]);
    })) / hints;
  const requests = (heal.asked.consul + heal.asked.docker - before) / hints;
  const heapMiB = process.memoryUsage().heapUsed / 1024 / 1024;
  await heal.stop();
  return { resyncMs: resyncs, hintMs, requests, heapMiB };
}

async function median(turns: number, work: () => Promise<void>): Promise<number> {
  const costs = [];
  for (let turn = 0; turn < turns; turn += 1) costs.push(await cost(work));
  return costs.sort((a, b) => a - b)[Math.floor(turns / 2)] ?? Number.NaN;
}

async function cost(work: () => Promise<void>): Promise<number> {
  const began = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1_000;
}

/** Both axes logarithmic: a straight line of slope one is a cost in proportion. */
function svgOf(lines: readonly Curve[]): string {
  const all = lines.flatMap(({ points }) => points);
  const low = Math.floor(Math.log10(Math.min(...all)));
  const high = Math.ceil(Math.log10(Math.max(...all)));
  const x = (at: number): number => 60 + (at * 480) / (sizes.length - 1);
  const y = (value: number): number => 320 - ((Math.log10(value) - low) * 280) / (high - low);
  const colours = ["#3461eb", "#c2410c", "#15803d", "#7e22ce"];
  const grid = Array.from({ length: high - low + 1 }, (_, at) => 10 ** (low + at)).map(
    (value) =>
      `<line x1="60" y1="${y(value)}" x2="540" y2="${y(value)}" stroke="#ddd"/><text x="52" y="${y(value) + 4}" text-anchor="end">${value}</text>`,
  );
  const ticks = sizes.map(
    (size, at) => `<text x="${x(at)}" y="342" text-anchor="middle">${size.toLocaleString("en")}</text>`,
  );
  const drawn = lines.map(({ name, points }, line) => {
    const path = points.map((point, at) => `${x(at)},${y(point).toFixed(1)}`).join(" ");
    return `<polyline points="${path}" fill="none" stroke="${colours[line]}" stroke-width="2"/><text x="560" y="${60 + line * 22}" fill="${colours[line]}">${name}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 370" font-family="sans-serif" font-size="12">
<rect width="800" height="370" fill="#fff"/>
${[...grid, ...ticks, ...drawn].join("\n")}
<text x="300" y="362" text-anchor="middle">services, ${INSTANCES_EACH} instances each</text>
</svg>
`;
}
