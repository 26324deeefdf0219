import pLimit from "p-limit";
import type { Container } from "../../model/instance.ts";
import { LABEL } from "../../model/labels.ts";
import type { ContainerFilter } from "../../ports/engine.ts";
import type { DockerConnection } from "./connection.ts";
import { COMPOSE_LABEL, type ListedContainer, parseListed, SWARM_LABEL } from "./parse-container.ts";
import { asList } from "../answer.ts";
import { refresh } from "./status-text.ts";

const inspectionsAtOnce = 8;

export interface Listing {
  readonly connection: DockerConnection;
  readonly listMs: number;
  readonly inspect: (id: string) => Promise<Container | null>;
  /** Containers as they were inspected last, by id. */
  readonly inspected: Map<string, Container>;
}

/**
 * The containers of interest: one filtered request in the common case, one more each where Compose projects or Swarm
 * services are looked for. The list answer leaves out start and end times and restart policy, so a container is
 * inspected when it is met for the first time or when its entry no longer fits what was inspected before. An entry
 * that cannot be read rejects the whole: it may be one of ours, and unknown is not absent.
 */
export async function listContainers(listing: Listing, filter: ContainerFilter): Promise<readonly Container[]> {
  const answers = await Promise.all(labelQueries(filter).map((labels) => listBy(listing, labels)));
  const wanted = new Map<string, ListedContainer>();
  for (const entry of answers.flat()) if (isWanted(entry.labels, filter)) wanted.set(entry.id, entry);
  const limit = pLimit(inspectionsAtOnce);
  const containers = await Promise.all([...wanted.values()].map((entry) => complete(listing, entry, limit)));
  // A look at every service is the time to forget those that are gone.
  if (filter.service === null) {
    for (const id of listing.inspected.keys()) if (!wanted.has(id)) listing.inspected.delete(id);
  }
  return containers.filter((container) => container !== null);
}

/** The engine joins several values by "and": one request per kind, narrowed to the name where there is only one. */
function labelQueries(filter: ContainerFilter): readonly (readonly string[])[] {
  const ours = [`${LABEL.environment}=${filter.environment}`];
  if (filter.service !== null) ours.push(`${LABEL.service}=${filter.service}`);
  const adopted = [
    adoptedQuery(COMPOSE_LABEL.project, filter.composeProjects),
    adoptedQuery(SWARM_LABEL.serviceName, filter.swarmServices),
  ];
  return [ours, ...adopted.filter((query) => query !== null)];
}

function adoptedQuery(label: string, names: readonly string[]): readonly string[] | null {
  if (names.length === 0) return null;
  return names.length === 1 ? [`${label}=${names[0]}`] : [label];
}

async function listBy({ connection, listMs }: Listing, labels: readonly string[]): Promise<ListedContainer[]> {
  return connection.call("list containers", listMs, async (docker) => {
    const answer: unknown = await docker.listContainers({ all: true, filters: { label: [...labels] } });
    return asList(answer, "containers").map((entry, index) => parseListed(entry, `containers[${index}]`));
  });
}

function isWanted(labels: Readonly<Record<string, string>>, filter: ContainerFilter): boolean {
  if (labels[LABEL.environment] === filter.environment) {
    return filter.service === null || labels[LABEL.service] === filter.service;
  }
  if (filter.swarmServices.includes(labels[SWARM_LABEL.serviceName] ?? "")) return true;
  const isOneOff = labels[COMPOSE_LABEL.oneOff]?.toLowerCase() === "true";
  return filter.composeProjects.includes(labels[COMPOSE_LABEL.project] ?? "") && !isOneOff;
}

async function complete(
  { connection, inspected, inspect }: Listing,
  entry: ListedContainer,
  limit: ReturnType<typeof pLimit>,
): Promise<Container | null> {
  const before = inspected.get(entry.id);
  const refreshed = before === undefined ? null : refresh(before, entry, connection.clock.steadyMs());
  return refreshed ?? limit(() => inspect(entry.id));
}
