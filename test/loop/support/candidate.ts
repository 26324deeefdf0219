/**
 * One process that takes part in the election, for tests that kill and stop it. It tells on stdout, one JSON object a
 * line with wall-clock times: every change of its standing, and when it began and ceased to be allowed to act. The
 * latter is asked anew on every turn, as a process that acts would, so that a stop by signal shows.
 */
import { realClock } from "../../../src/adapters/clock.ts";
import { connectConsul, defaultLimits } from "../../../src/adapters/consul/connection.ts";
import { consulCoordination } from "../../../src/adapters/consul/coordination.ts";
import { realRandom } from "../../../src/adapters/random.ts";
import { startLeadership } from "../../../src/loop/leadership.ts";
import { defaultTerms } from "../../../src/loop/lease.ts";

const [url, environment, name] = process.argv.slice(2) as [string, string, string];
const clock = realClock();
const random = realRandom();
const connection = connectConsul({ url, token: null, datacenter: null, tls: null }, defaultLimits);
const coordination = consulCoordination({ connection, clock, random }, environment);
const holder = { node: name, processId: process.pid, version: "0", address: null };
const leadership = startLeadership({ coordination, clock, random }, { holder, terms: defaultTerms });

const say = (line: object): void => void process.stdout.write(`${JSON.stringify({ ...line, atMs: Date.now() })}\n`);
leadership.onChange(({ kind }) => say({ standing: kind }));

const fences: ReturnType<typeof leadership.current>[] = [];
setInterval(() => {
  const fence = leadership.current();
  if (!fences.includes(fence) && fence.lease !== null) fences.push(fence);
  for (const [number, one] of fences.entries()) if (one.mayAct()) say({ acts: number, lease: one.assertMayAct() });
}, 10);

process.on("SIGTERM", () => {
  void leadership.stop().then(() => {
    connection.close();
    process.exit(0);
  });
});
