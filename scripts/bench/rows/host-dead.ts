import type { Context, Row, Sample, Samples } from "../harness/row.ts";
import { quantile } from "../harness/row.ts";
import type { Ground } from "../fleet/three-hosts.ts";
import { openGround } from "../fleet/three-hosts.ts";

type Gossip = "default" | "tuned";

/** As docs/operations.md recommends it where the hosts are on one network. */
const tuned = {
  gossip_lan: { gossip_interval: "100ms", probe_interval: "300ms", probe_timeout: "150ms", suspicion_mult: 4 },
};

interface Died {
  /** Seconds. */
  readonly againstDetection: Samples;
  readonly againstSwarm: Samples;
  /** Instances that were replaced, though their host only stood still for a while. */
  readonly lostByStall: Samples;
}

export const hostDeadRows: readonly Row[] = [...rowsFor("default", 0.55), ...rowsFor("tuned", 0.25)];

function rowsFor(gossip: Gossip, goalBySwarm: number): readonly Row[] {
  const id = gossip === "default" ? "host-dead" : "host-dead-tuned";
  const how = gossip === "default" ? "Consul's default gossip" : "gossip tuned as docs/operations.md says";
  return [
    {
      id: `${id}-detection`,
      what: `one of three hosts without power → replacement answers HTTP, ${how}`,
      reference: "Consul's node check turns critical, and 0.5 s, and a raw create and start → first answer",
      goal: 1,
      run: async (context) => (await died(context, gossip)).againstDetection,
    },
    {
      id: `${id}-swarm`,
      what: `one of three hosts without power → replacement answers HTTP, ${how}`,
      reference: "Swarm on the same hosts, the same power cut, default heartbeat",
      goal: goalBySwarm,
      run: async (context) => (await died(context, gossip)).againstSwarm,
    },
    {
      id: gossip === "default" ? "host-stall" : "host-stall-tuned",
      what: `a host's network gone for 0.8 of the detection time: instances replaced, ${how}`,
      reference: null,
      goal: 0,
      unit: "instances",
      quantile: 1,
      run: async (context) => (await died(context, gossip)).lostByStall,
    },
  ];
}

function died(context: Context, gossip: Gossip): Promise<Died> {
  return context.once(`host dead ${gossip}`, async () => {
    const ground = await openGround(context, gossip === "tuned" ? tuned : undefined);
    const died: Record<keyof Died, Sample[]> = { againstDetection: [], againstSwarm: [], lostByStall: [] };
    try {
      const detections: number[] = [];
      for (let turn = 0; turn < (context.quick ? 1 : 5); turn += 1) {
        const { healMs, swarmMs, detectedMs, rawMs } = await powerCut(ground);
        detections.push(detectedMs);
        const told = [healMs, swarmMs, detectedMs, rawMs].map(seconds);
        context.say(`heal ${told[0]} s, Swarm ${told[1]} s; detected after ${told[2]} s, raw start ${told[3]} s`);
        died.againstDetection.push({ subject: healMs / 1_000, reference: (detectedMs + 500 + rawMs) / 1_000 });
        died.againstSwarm.push({ subject: healMs / 1_000, reference: swarmMs / 1_000 });
        await ground.spread();
      }
      const stallMs = 0.8 * quantile(detections, 0.5);
      for (let turn = 0; turn < (context.quick ? 1 : 3); turn += 1)
        died.lostByStall.push({ subject: await stalled(context, ground, stallMs) });
      return died;
    } finally {
      await ground.close();
    }
  });
}

async function powerCut({ fleet, heal, swarm, detected, rawStart }: Ground) {
  const before = await Promise.all([heal.containers(), swarm.containers()]);
  const watching = detected();
  const beganMs = performance.now();
  await fleet.powerOff(3);
  const [healAtMs, swarmAtMs, detectedAtMs] = await Promise.all([
    heal.replaced(before[0]),
    swarm.replaced(before[1]),
    watching,
  ]);
  const rawMs = await rawStart();
  return {
    healMs: healAtMs - beganMs,
    swarmMs: swarmAtMs - beganMs,
    detectedMs: detectedAtMs - beganMs,
    rawMs,
  };
}

/** Packets are dropped: a cable that is plugged in again would carry none for up to a second, as the kernel looks only then. */
async function gap({ exec }: Ground["fleet"], flag: "-I" | "-D"): Promise<void> {
  for (const [chain, side] of [
    ["INPUT", "-i"],
    ["OUTPUT", "-o"],
  ] as const) {
    const { code, stderr } = await exec(3, ["iptables", "-w", flag, chain, side, "eth0", "-j", "DROP"]);
    if (code !== 0) throw new Error(`iptables: ${stderr}`);
  }
}

/** How many of heal's instances are other ones afterwards. */
async function stalled(context: Context, { fleet, heal, detected }: Ground, forMs: number): Promise<number> {
  const before = await heal.containers();
  const beganMs = performance.now();
  const called: number[] = [];
  // Consul's own detection varies by more than a fifth: what it called dead in such a gap, heal could not know better.
  detected().then(
    (atMs) => void called.push(atMs - beganMs),
    () => undefined,
  );
  await gap(fleet, "-I");
  await new Promise((resolve) => setTimeout(resolve, forMs));
  await gap(fleet, "-D");
  // What was begun wrongly would be there by then.
  await new Promise((resolve) => setTimeout(resolve, forMs + 3_000));
  const [afterMs] = called;
  const consul = afterMs === undefined ? "did not call it dead" : `called it dead after ${seconds(afterMs)} s`;
  context.say(`a gap of ${seconds(forMs)} s, in which Consul ${consul}`);
  const after = await heal.containers();
  const isSame = (id: string): boolean => before.some((one) => one.id === id);
  return (
    after.filter(({ id }) => !isSame(id)).length + before.filter(({ id }) => !after.some((a) => a.id === id)).length
  );
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}
