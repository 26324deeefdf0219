import type { Container } from "../model/instance.ts";
import type { Known } from "../model/known.ts";
import { known } from "../model/known.ts";
import type { Binding } from "../model/observation.ts";
import type { Service } from "../model/service.ts";
import type { Compose } from "../ports/compose.ts";
import { LABEL } from "../model/labels.ts";
import { mayBeCompose, mayBeSwarm } from "./ownership.ts";
import type { SwarmMirror, SwarmView } from "./swarm-mirror.ts";

export interface Bound {
  readonly binding: Known<Binding>;
  /** The Swarm's own word about the service, when Swarm runs it. */
  readonly swarm: SwarmView | null;
}

export interface BindingDeps {
  readonly swarm: SwarmMirror;
  readonly compose: Compose | null;
}

/**
 * Finds what runs a service: its template's engine, a Swarm service of its name, or a Compose project of its name;
 * and when nothing is left to be found, what ran it last.
 */
export async function bind(
  deps: BindingDeps,
  service: Service,
  containers: () => readonly Container[],
  remembered: Binding | null,
  nowMs: number,
  fresh: boolean,
): Promise<Bound> {
  if (service.runtime === "engine" || (service.runtime === null && service.container !== null)) {
    return { binding: known({ kind: "engine" }, nowMs), swarm: null };
  }
  if (mayBeSwarm(service)) {
    const view = await deps.swarm.service(service.adopt.swarmService, fresh);
    if (view.kind === "unknown") return { binding: view, swarm: null };
    if (view.value !== null) return { binding: known(swarmBinding(view.value), view.atMs), swarm: view.value };
  }
  if (mayBeCompose(service)) {
    const found = await composeBinding(deps.compose, service, containers(), remembered);
    if (found !== null) return { binding: known(found, nowMs), swarm: null };
  }
  return { binding: known({ kind: "none", reason: nothingFound(service) }, nowMs), swarm: null };
}

/** The containers of a Compose project that belong to the service. */
export function composeContainers(service: Service, containers: readonly Container[]): readonly Container[] {
  const { composeProject, composeService } = service.adopt;
  const ofProject = containers.filter(({ compose }) => compose?.project === composeProject);
  const name = composeService ?? composeServiceOf(service, ofProject);
  return ofProject.filter(({ compose }) => compose?.service === name);
}

function swarmBinding({ service }: SwarmView): Binding {
  return {
    kind: "swarm",
    id: service.id,
    name: service.name,
    version: service.version,
    replicas: service.replicas,
    mode: service.mode,
    updating: service.updating,
    specHash: service.labels[LABEL.specHash] ?? null,
  };
}

async function composeBinding(
  compose: Compose | null,
  service: Service,
  containers: readonly Container[],
  remembered: Binding | null,
): Promise<Binding | null> {
  const own = composeContainers(service, containers);
  const first = own[0];
  const last = remembered?.kind === "compose" ? remembered : null;
  if (first?.compose == null) return last;
  const { project, workingDirectory, configFiles } = first.compose;
  const binding = {
    kind: "compose" as const,
    host: first.host,
    project,
    composeService: first.compose.service,
    configFiles,
    workingDirectory,
  };
  // Asking the tool takes half a second; only a service that is short of containers will be scaled.
  const running = own.filter(({ state }) => state === "running" || state === "restarting" || state === "paused").length;
  if (running >= service.count || compose === null) return { ...binding, unscalable: last?.unscalable ?? null };
  return { ...binding, unscalable: await whyUnscalable(compose, binding) };
}

type ComposeBinding = Extract<Binding, { kind: "compose" }>;

async function whyUnscalable(
  compose: Compose,
  { host, project, composeService, configFiles, workingDirectory }: Omit<ComposeBinding, "unscalable">,
): Promise<string | null> {
  try {
    const facts = await compose.describe({ name: project, host, workingDirectory, configFiles }, composeService);
    return facts.unscalable;
  } catch (error) {
    return `its Compose files cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The service with our own name, or the project's only one. */
function composeServiceOf(service: Service, ofProject: readonly Container[]): string | null {
  const names = new Set(ofProject.flatMap(({ compose }) => (compose === null ? [] : [compose.service])));
  if (names.has(service.name)) return service.name;
  return names.size === 1 ? ([...names][0] ?? null) : null;
}

function nothingFound(service: Service): string {
  switch (service.runtime) {
    case "swarm":
      return `Swarm has no service called ${service.adopt.swarmService}`;
    case "compose":
      return `no container of the Compose project ${service.adopt.composeProject} is to be found`;
    default:
      return `there is neither a Swarm service nor a Compose project called ${service.adopt.swarmService}`;
  }
}
