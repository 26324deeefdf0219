import { connectDaemon } from "../adapters/api-client/open-client.ts";
import { silentLog } from "../adapters/log/silent-log.ts";
import { openController } from "../loop/controller.ts";
import { openHistory } from "../loop/history.ts";
import type { Decision } from "../loop/reconcile.ts";
import { reconcile } from "../loop/reconcile.ts";
import type { Controller } from "../ports/controller.ts";
import { InvalidInput, NotLeader } from "../ports/controller.ts";
import { RegistryError } from "../ports/registry.ts";
import type { Listener } from "../report/reporter.ts";
import type { Settings } from "../settings/settings.ts";
import { version } from "../version.ts";
import { openAdapters } from "./adapters.ts";
import type { Adapters } from "./adapters.ts";
import { askThere } from "./ask-there.ts";
import { openAlerting, openChannels } from "./channels.ts";
import { assemble } from "./world.ts";

/** How long a one-shot command waits to become leader: a dead one is replaced within four seconds. */
const ELECTION_MS = 6_000;

/** A channel that has not taken an alert by then is tried again by the next command, or by a daemon. */
const ALERTS_WITHIN_MS = 10_000;

/**
 * A controller that looks for itself: lists the engines, reads Consul, and takes the lock only for what changes
 * something. Rejects with `InvalidInput`.
 */
export async function openOneShot(settings: Settings, variables: (name: string) => string | null): Promise<Controller> {
  const adapters = openAdapters(settings, variables);
  try {
    const leader = await leaderElsewhere(settings, adapters);
    if (leader === null) return await look(settings, adapters);
    adapters.close();
    return leader;
  } catch (error) {
    adapters.close();
    throw error;
  }
}

/** The daemon that leads, on whatever machine, where it says how it can be asked and answers; else null. */
async function leaderElsewhere(settings: Settings, { coordination }: Adapters): Promise<Controller | null> {
  const { holder } = await coordination.readLeader({}).catch(() => ({ holder: null }));
  if (holder?.address == null) return null;
  return connectDaemon({ kind: "address", url: holder.address, token: settings.server.token });
}

async function look(settings: Settings, adapters: Adapters): Promise<Controller> {
  const listeners: Listener<Decision>[] = [];
  const assembly = assemble(settings, adapters, {
    log: silentLog,
    listeners,
    onRuntimeChange: () => undefined,
    followsEvents: false,
    watchOnly: false,
  });
  const { world, board, memory, desired, leadership, entered } = assembly;
  const loaded = await desired.reload();
  if (loaded.kind === "refused") throw new InvalidInput("the desired state is not valid", loaded.problems);
  const beganAt = new Date(adapters.clock.wallMs()).toISOString();
  // Without Memory the plan would forget back-offs and pauses; Consul's own trouble shows in every service's trust.
  const history = openHistory(adapters.coordination, adapters.clock);
  await Promise.all([
    memory.load().catch(() => undefined),
    history.load().then(
      (kept) => Object.entries(kept).forEach(([service, entries]) => board.restore(service, entries)),
      () => undefined,
    ),
    world.eyes.learnNodes(),
    ...world.eyes.hosts.map((host) => host.refresh()),
  ]);
  const alerting = openAlerting(settings, adapters, assembly, silentLog, openChannels(settings));
  alerting.restore();
  const takeOffice = async (): Promise<void> => {
    // A holder that has just died still holds the key for a moment: only what holds after that time counts.
    const standing = await leadership().settled(ELECTION_MS, ["leader"]);
    switch (standing.kind) {
      case "leader":
        await memory.load();
        alerting.restore();
        return;
      case "follower": {
        const { node, processId } = standing.holder;
        throw new NotLeader(`${node} (process ${processId}) leads and does not answer here`, askThere(node));
      }
      case "seeking":
        throw new RegistryError("unclear", `the lock cannot be had: ${standing.reason}`);
      default:
        throw new NotLeader(`the lock cannot be had: ${standing.kind}`);
    }
  };
  return openController({
    world,
    board,
    live: false,
    async lookAnew() {
      world.eyes.registry.invalidate(null);
      world.eyes.swarm.invalidate(null);
      await Promise.all(world.eyes.hosts.map((host) => host.refresh()));
    },
    controller: () => ({ version, role: "one-shot", leader: null, since: beganAt }),
    async run(services, agreed) {
      await takeOffice();
      // Only a pass is told to people: who merely looks does not speak for the environment.
      listeners.push(alerting);
      const pass = await reconcile(world, services, { agreed });
      for (const service of services) history.save(world.fence(), service, board.history(service));
      await history.flush();
      await alerting.quiet(ALERTS_WITHIN_MS);
      return pass;
    },
    // It makes no passes but those it is asked for, one at a time.
    exclusive: (_services, work) => work(),
    takeOffice,
    alerting,
    troubles: () => [],
    nudge: () => undefined,
    // What was in force before is known to a daemon only.
    confirm: async () => undefined,
    async close() {
      await alerting.close();
      await entered()?.stop();
      adapters.close();
    },
  });
}
