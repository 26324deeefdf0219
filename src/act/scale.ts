import type { CreateSwarmService, ReplaceSwarmTask, ScaleComposeService, ScaleSwarmService } from "../model/action.ts";
import { LABEL } from "../model/labels.ts";
import type { Service } from "../model/service.ts";
import type { Compose } from "../ports/compose.ts";
import type { Swarm } from "../ports/swarm.ts";
import { resolveEnvironment } from "./environment.ts";
import type { Hands } from "./hands.ts";
import { ActionRefused, engineOf } from "./hands.ts";

/** Names the version that was planned with: an edit in between makes the engine refuse, and the next pass plans anew. */
export async function scaleSwarmService(hands: Hands, action: ScaleSwarmService): Promise<string | null> {
  const swarm = swarmOf(hands);
  hands.fence();
  await swarm.scale(action.id, action.version, action.to);
  return null;
}

export async function createSwarmService(
  hands: Hands,
  service: Service,
  action: CreateSwarmService,
): Promise<string | null> {
  const breach = hands.policyBreach(service);
  if (breach !== null) throw new ActionRefused(breach, "never");
  const swarm = swarmOf(hands);
  const environment = await resolveEnvironment(hands, service);
  await swarm.create({
    name: action.name,
    service,
    replicas: action.replicas,
    environment,
    labels: {
      [LABEL.environment]: hands.environment,
      [LABEL.service]: service.name,
      [LABEL.specHash]: action.specHash,
      [LABEL.sequencer]: hands.fence(),
    },
  });
  return null;
}

/** Takes the task's container away; Swarm notices and starts another. */
export async function replaceSwarmTask(hands: Hands, action: ReplaceSwarmTask): Promise<string | null> {
  const engine = engineOf(hands, action.host);
  hands.fence();
  await engine.stop(action.containerId, action.graceMs);
  hands.fence();
  await engine.remove(action.containerId);
  return null;
}

export async function scaleComposeService(hands: Hands, action: ScaleComposeService): Promise<string | null> {
  const compose = composeOf(hands);
  hands.fence();
  await compose.scale(
    {
      name: action.project,
      host: action.host,
      workingDirectory: action.workingDirectory,
      configFiles: action.configFiles,
    },
    action.composeService,
    action.to,
  );
  return null;
}

function swarmOf({ swarm }: Hands): Swarm {
  if (swarm === null) throw new ActionRefused("no engine of this environment is a Swarm manager", "later");
  return swarm;
}

function composeOf({ compose }: Hands): Compose {
  if (compose === null) throw new ActionRefused("neither `docker compose` nor `docker-compose` is installed", "later");
  return compose;
}
