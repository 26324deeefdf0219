import http from "node:http";
import pLimit from "p-limit";
import { connectConsul } from "../../../src/adapters/consul/connection.ts";
import { keepAnswers } from "../fleet/answers-on-disk.ts";
import { aFleet, serviceName } from "../fleet/fleet.ts";
import { openInProcess } from "../fleet/in-process.ts";
import { largeSite } from "../fleet/large-site.ts";
import type { Context, Row, Samples } from "../harness/row.ts";
import { interleave, timed } from "../harness/turns.ts";

const SERVICES = 1_000;
const CONNECTIONS = 32;

export const resyncConsulRows: readonly Row[] = [
  {
    id: "resync-consul",
    what: "full resync of 1,000 services of 10 instances from a real Consul, engines in process",
    reference: "the fastest way to read the same from Consul and parse it",
    goal: 1.2,
    run: resync,
  },
];

async function resync(context: Context): Promise<Samples> {
  const { consul } = await largeSite(context, SERVICES);
  const fleet = await aFleet(SERVICES, Date.now() - 3 * 3_600_000);
  const connection = connectConsul({ url: consul.address, token: null, datacenter: null, tls: null });
  const heal = await openInProcess(fleet, keepAnswers(fleet), connection);
  const read = openReader(consul.address);
  try {
    const fastest = await theFastest(context, [
      ["a request for each service", () => eachService(read)],
      ["what is on each node, and all checks", () => wholesale(read)],
    ]);
    return await interleave(
      context.quick ? 5 : 15,
      1,
      () => timed(() => heal.resync()),
      () => timed(fastest),
    );
  } finally {
    await heal.stop();
    connection.close();
    read.close();
  }
}

type Way = readonly [name: string, read: () => Promise<unknown>];

async function theFastest({ say }: Context, ways: readonly Way[]): Promise<Way[1]> {
  const tried = [];
  for (const way of ways) {
    await way[1]();
    tried.push({ way, tookMs: await timed(way[1]) });
  }
  for (const { way, tookMs } of tried) say(`read by ${way[0]}: ${Math.round(tookMs)} ms`);
  const [best] = tried.toSorted((one, other) => one.tookMs - other.tookMs);
  if (best === undefined) throw new Error("no way to read was given");
  return best.way[1];
}

interface Reader {
  json(path: string): Promise<unknown>;
  close(): void;
}

async function eachService({ json }: Reader): Promise<void> {
  const names = Array.from({ length: SERVICES }, (_, at) => serviceName(at));
  await pLimit(CONNECTIONS).map(names, (name) => json(`/v1/health/service/${name}`));
}

async function wholesale({ json }: Reader): Promise<void> {
  const nodes = (await json("/v1/catalog/nodes")) as { readonly Node: string }[];
  await Promise.all([...nodes.map(({ Node }) => json(`/v1/catalog/node/${Node}`)), json("/v1/health/state/any")]);
}

/** Node's own client over connections that are kept. */
function openReader(consul: string): Reader {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  return {
    json: (path) =>
      new Promise((resolve, reject) => {
        const request = http.get(`${consul}${path}`, { agent }, (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
          response.on("error", reject);
        });
        request.on("error", reject);
      }),
    close: () => agent.destroy(),
  };
}
