import type { Discovery, FoundService } from "../cli/wiring-types.ts";
import { openEngine } from "../adapters/docker/open-engine.ts";
import { realClock } from "../adapters/clock.ts";
import { openSwarm } from "../adapters/swarm/open-swarm.ts";
import type { HostSettings, Settings } from "../settings/settings.ts";

/** What runs now and could be adopted. What does not answer is a note, never an error. */
export async function discover(settings: Settings): Promise<Discovery> {
  const clock = realClock();
  const engines = Object.values(settings.hosts).map((host) => ({
    host,
    engine: openEngine(host.name, host.docker, { clock }),
  }));
  const notes: string[] = [];
  try {
    const compose = await Promise.all(
      engines.map(async ({ host, engine }) => {
        try {
          const found = await engine.connection.call("list Compose containers", 10_000, (docker) =>
            docker.listContainers({ filters: { label: ["com.docker.compose.project"], status: ["running"] } }),
          );
          return composeServices(found.map(({ Labels }) => Labels));
        } catch (error) {
          notes.push(silence(host, error));
          return [];
        }
      }),
    );
    return {
      services: [
        ...(await swarmServices(
          engines.map(({ engine }) => engine.connection),
          notes,
        )),
        ...compose.flat(),
      ],
      notes,
    };
  } finally {
    for (const { engine } of engines) engine.close();
  }
}

async function swarmServices(
  managers: Parameters<typeof openSwarm>[0],
  notes: string[],
): Promise<readonly FoundService[]> {
  try {
    const services = await openSwarm(managers).list();
    return services.map(({ name, replicas }) => ({ runtime: "swarm", name, composeService: null, running: replicas }));
  } catch (error) {
    notes.push(`no Swarm: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}

function composeServices(labels: readonly Readonly<Record<string, string>>[]): readonly FoundService[] {
  const found = new Map<string, FoundService>();
  for (const label of labels) {
    const name = label["com.docker.compose.project"] ?? "";
    const composeService = label["com.docker.compose.service"] ?? "";
    const key = `${name}/${composeService}`;
    found.set(key, { runtime: "compose", name, composeService, running: (found.get(key)?.running ?? 0) + 1 });
  }
  return [...found.values()];
}

function silence(host: HostSettings, error: unknown): string {
  return `the engine of ${host.name} does not answer: ${error instanceof Error ? error.message : String(error)}`;
}
