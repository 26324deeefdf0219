import { connectDaemon } from "../adapters/api-client/open-client.ts";
import { silentLog } from "../adapters/log/silent-log.ts";
import { openController } from "../loop/controller.ts";
import { openHistory } from "../loop/history.ts";
import type { Decision, Pass } from "../loop/reconcile.ts";
import { idlePass, reconcile } from "../loop/reconcile.ts";
import type { Plan } from "../model/plan.ts";
import type { Controller } from "../ports/controller.ts";
import { InvalidInput, NotLeader } from "../ports/controller.ts";
import type { LeaderInfo } from "../ports/coordination.ts";
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
  const office = whoLeads(adapters);
  // Begun before it is known whether somebody else is to be asked: mostly nobody is.
  const looking = look(settings, adapters, office);
  looking.catch(() => undefined);
  try {
    const leader = await connectLeader(settings, await office);
    if (leader === null) return await looking;
    adapters.close();
    return leader;
  } catch (error) {
    adapters.close();
    throw error;
  }
}

/** The office as it was found: nobody is in it, somebody is, or Consul could not say. */
type Office =
  | { readonly kind: "empty" }
  | { readonly kind: "taken"; readonly holder: LeaderInfo }
  | { readonly kind: "unknown" };

function whoLeads({ coordination }: Adapters): Promise<Office> {
  return coordination.readLeader({}).then(
    ({ holder }): Office => (holder === null ? { kind: "empty" } : { kind: "taken", holder }),
    (): Office => ({ kind: "unknown" }),
  );
}

/** The daemon that leads, on whatever machine, where it says how it can be asked and answers; else null. */
async function connectLeader({ server }: Settings, office: Office): Promise<Controller | null> {
  if (office.kind !== "taken" || office.holder.address === null) return null;
  return connectDaemon({ kind: "address", url: office.holder.address, token: server.token });
}

async function look(settings: Settings, adapters: Adapters, office: Promise<Office>): Promise<Controller> {
  const listeners: Listener<Decision>[] = [];
  const assembly = assemble(settings, adapters, {
    log: silentLog,
    listeners,
    onRuntimeChange: () => undefined,
    followsEvents: false,
    watchOnly: false,
  });
  const { world, board, memory, desired, leadership, entered } = assembly;
  const history = openHistory(adapters.coordination, adapters.clock);
  const beganAt = new Date(adapters.clock.wallMs()).toISOString();
  // Without Memory the plan would forget back-offs and pauses; Consul's own trouble shows in every service's trust.
  const restoring = history.load().then((kept) => {
    for (const [service, entries] of Object.entries(kept)) board.restore(service, entries);
  });
  const remembering = Promise.all([memory.load(), restoring]).then(
    () => true,
    () => false,
  );
  const [loaded, channels] = await Promise.all([desired.reload(), openChannels(settings), world.eyes.learnNodes()]);
  if (loaded.kind === "refused") throw new InvalidInput("the desired state is not valid", loaded.problems);
  const [remembers] = await Promise.all([remembering, ...world.eyes.hosts.map((host) => host.refresh())]);
  const alerting = openAlerting(settings, adapters, assembly, silentLog, channels);
  alerting.restore();
  const lookAnew = async (): Promise<void> => {
    world.eyes.registry.invalidate(null);
    world.eyes.swarm.invalidate(null);
    await Promise.all(world.eyes.hosts.map((host) => host.refresh()));
  };
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
  /** The pass of most calls: nobody is in office, and there is nothing to take it for. */
  const passWithoutOffice = async (services: readonly string[], agreed: (plan: Plan) => void): Promise<Pass | null> => {
    if (!remembers || (await office).kind !== "empty") return null;
    const noted = services.map(board.history);
    const pass = await idlePass(world, services, agreed);
    const isNoted = services.every((service, position) => board.history(service) === noted[position]);
    return isNoted && !alerting.hasNews() ? pass : null;
  };
  return openController({
    world,
    board,
    live: false,
    lookAnew,
    controller: () => ({ version, role: "one-shot", leader: null, since: beganAt }),
    async run(services, agreed) {
      // Only a pass is told to people: who merely looks does not speak for the environment.
      listeners.push(alerting);
      const idle = await passWithoutOffice(services, agreed);
      if (idle !== null) return idle;
      await takeOffice();
      await lookAnew();
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
