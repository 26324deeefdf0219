import { hash } from "node:crypto";
import type { Container } from "../../model/instance.ts";
import { LABEL } from "../../model/labels.ts";
import type { ContainerFilter } from "../../ports/engine.ts";
import type { DockerConnection } from "./connection.ts";
import { COMPOSE_LABEL, type ListedContainer, parseListed, SWARM_LABEL } from "./parse-container.ts";
import type { Lanes } from "../lanes.ts";
import { openLanes } from "../lanes.ts";
import { asList, UnreadableAnswer } from "../answer.ts";
import { fitsUntilMs, refresh } from "./status-text.ts";
import type { Unread } from "./transport.ts";

const inspectionsAtOnce = 8;

export interface Listing {
  readonly connection: DockerConnection;
  readonly listMs: number;
  readonly inspect: (id: string) => Promise<Container | null>;
  /** Containers as they were inspected or refreshed last, by id. */
  readonly inspected: Map<string, Container>;
  /** Inspections that some list has asked for and waits for, by id. */
  readonly underWay: Map<string, Promise<Container | null>>;
  /** The last list of every service; null before there is one. */
  last: Known | null;
}

/** A list that need not be read again while its bytes are the same. */
interface Known {
  readonly filter: ContainerFilter;
  readonly digest: string;
  readonly containers: readonly Container[];
  /** From then on the ages in it are no longer true, and containers have to be inspected. */
  readonly untilMs: number;
}

const what = "list containers";

/**
 * The containers of interest: one filtered request in the common case, one more each where Compose projects or Swarm
 * services are looked for. The list answer leaves out start and end times and restart policy, so a container is
 * inspected when it is met for the first time or when its entry no longer fits what was inspected before. An entry
 * that cannot be read rejects the whole: it may be one of ours, and unknown is not absent. The same bytes as the last
 * time give the same array.
 */
export async function listContainers(listing: Listing, filter: ContainerFilter): Promise<readonly Container[]> {
  const answers = await Promise.all(labelQueries(filter).map((labels) => ask(listing, labels)));
  const digest = answers.map(({ json }) => hash("sha1", json, "base64")).join(" ");
  const { last } = listing;
  if (last?.filter === filter && last.digest === digest && stillHolds(listing, last)) return last.containers;
  const wanted = new Map<string, ListedContainer>();
  for (const answer of answers)
    for (const entry of listing.connection.read(what, () => entriesOf(answer)))
      if (isWanted(entry.labels, filter)) wanted.set(entry.id, entry);
  const lanes = openLanes(inspectionsAtOnce);
  const completed = await Promise.all([...wanted.values()].map((entry) => complete(listing, entry, lanes)));
  const containers = completed.filter((container) => container !== null);
  // A look at every service is the time to forget those that are gone.
  if (filter.service === null) {
    for (const id of listing.inspected.keys()) if (!wanted.has(id)) listing.inspected.delete(id);
    const isWhole = containers.length === wanted.size;
    listing.last = isWhole ? { filter, digest, containers, untilMs: endOf(listing, containers, wanted) } : null;
  }
  return containers;
}

function stillHolds({ connection, inspected }: Listing, { containers, untilMs }: Known): boolean {
  return connection.clock.steadyMs() < untilMs && containers.every((one) => inspected.get(one.id) === one);
}

/** Until when the entries fit the containers; never, where one does not even now. */
function endOf(
  { connection }: Listing,
  containers: readonly Container[],
  entries: ReadonlyMap<string, ListedContainer>,
): number {
  const nowMs = connection.clock.steadyMs();
  let endMs = Number.POSITIVE_INFINITY;
  for (const container of containers) {
    const entry = entries.get(container.id);
    if (entry === undefined || refresh(container, entry, nowMs) !== container) return Number.NEGATIVE_INFINITY;
    endMs = Math.min(endMs, fitsUntilMs(container, entry));
  }
  return endMs;
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

async function ask({ connection, listMs }: Listing, labels: readonly string[]): Promise<Unread> {
  const filters = { label: [...labels] };
  const answer = await connection.callUnread(what, listMs, (docker) => docker.listContainers({ all: true, filters }));
  return connection.read(what, () => {
    if (typeof answer === "object" && answer !== null && "json" in answer) return answer as Unread;
    throw new UnreadableAnswer("containers is something else than JSON instead of a list");
  });
}

function entriesOf({ json }: Unread): readonly ListedContainer[] {
  const answer = JSON.parse(json.toString()) as unknown;
  return asList(answer, "containers").map((entry, index) => parseListed(entry, `containers[${index}]`));
}

function isWanted(labels: Readonly<Record<string, string>>, filter: ContainerFilter): boolean {
  if (labels[LABEL.environment] === filter.environment) {
    return filter.service === null || labels[LABEL.service] === filter.service;
  }
  if (filter.swarmServices.includes(labels[SWARM_LABEL.serviceName] ?? "")) return true;
  const isOneOff = labels[COMPOSE_LABEL.oneOff]?.toLowerCase() === "true";
  return filter.composeProjects.includes(labels[COMPOSE_LABEL.project] ?? "") && !isOneOff;
}

/**
 * Several lists may meet the same thousands of new containers at once, as at a start. What one finds will do for the
 * others, where their own entry fits it.
 */
async function complete(listing: Listing, entry: ListedContainer, lanes: Lanes): Promise<Container | null> {
  return (
    fitting(listing, entry) ??
    lanes(async () => {
      await listing.underWay.get(entry.id)?.catch(() => null);
      return fitting(listing, entry) ?? inspectNoted(listing, entry.id);
    })
  );
}

function fitting({ connection, inspected }: Listing, entry: ListedContainer): Container | null {
  const before = inspected.get(entry.id);
  const refreshed = before === undefined ? null : refresh(before, entry, connection.clock.steadyMs());
  if (refreshed !== null) inspected.set(entry.id, refreshed);
  return refreshed;
}

async function inspectNoted({ inspect, underWay }: Listing, id: string): Promise<Container | null> {
  const inspection = inspect(id);
  underWay.set(id, inspection);
  try {
    return await inspection;
  } finally {
    if (underWay.get(id) === inspection) underWay.delete(id);
  }
}
