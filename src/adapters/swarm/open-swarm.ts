import type Docker from "dockerode";
import { EngineError } from "../../ports/engine.ts";
import type { Swarm, SwarmService } from "../../ports/swarm.ts";
import { asList, asRecord, asText, asTextMap } from "../answer.ts";
import { hidingSecrets } from "../container-spec.ts";
import { anyOf, type Manager } from "./managers.ts";
import { parseNode, parseService, parseTask, versionOf } from "./parse-swarm.ts";
import { serviceBody } from "./service-body.ts";

export interface SwarmOptions {
  readonly readMs?: number;
  readonly writeMs?: number;
}

const eventFilters: { type: ["service", "node"] } = { type: ["service", "node"] };

/**
 * The Swarm that those of the engines which are managers run. Requests go to the one that answered last and move on
 * when it does not.
 */
export function openSwarm(engines: readonly Manager[], options: SwarmOptions = {}): Swarm {
  const { readMs = 10_000, writeMs = 30_000 } = options;
  const managers = anyOf(engines);

  const readList = <T>(
    what: string,
    ask: (docker: Docker) => Promise<unknown>,
    parse: (value: unknown, field: string) => T,
  ) =>
    managers.read((manager) =>
      manager.call(`list ${what}`, readMs, async (docker) =>
        asList(await ask(docker), what).map((value, index) => parse(value, `${what}[${index}]`)),
      ),
    );

  const services = async (filters: Record<string, string[]>): Promise<SwarmService[]> => {
    const found = await readList("services", (docker) => docker.listServices({ filters }), parseService);
    return found.filter((service) => service !== null);
  };

  const nodes = () => readList("nodes", (docker) => docker.listNodes(), parseNode);

  return {
    // The engine's filter matches beginnings of names.
    find: async (name) => (await services({ name: [name] })).find((service) => service.name === name) ?? null,
    list: () => services({}),
    nodes,
    async tasks(serviceName) {
      try {
        return await readList(
          "tasks",
          (docker) => docker.listTasks({ filters: { service: [serviceName] } }),
          parseTask,
        );
      } catch (error) {
        // The engine calls it an error to ask for the tasks of a service that is gone.
        if (error instanceof EngineError && /service .* not found/.test(error.message)) return [];
        throw error;
      }
    },
    scale: (id, version, replicas) =>
      managers.write((manager) => scaleThrough(manager, { readMs, writeMs }, id, version, replicas)),
    async create(creation) {
      const { name, service, environment } = creation;
      const template = service.container;
      if (template === null)
        throw new EngineError("refused", `${name} has no container template to create a service from`);
      const body = serviceBody(creation, template, service.placement.hosts === null ? [] : await nodes());
      await managers.write((manager) =>
        manager.call(`create service ${name}`, writeMs, (docker) =>
          hidingSecrets(template, environment, () => docker.createService(body as Docker.CreateServiceOptions)),
        ),
      );
    },
    // A stream that breaks half-way must be heard of, and not be taken up by another manager in silence.
    follow: (signal, onOpen, onChange) =>
      managers.write((manager) =>
        manager.follow(eventFilters, signal, onOpen, (event) => onChange(changedService(event))),
      ),
  };
}

/** Swarm takes whole specifications: the present one is read, held against the version, and sent with one number changed. */
async function scaleThrough(
  manager: Manager,
  { readMs, writeMs }: Required<SwarmOptions>,
  id: string,
  version: number,
  replicas: number,
): Promise<void> {
  const what = `scale service ${id} to ${replicas}`;
  const specification = await manager.call(what, readMs, async (docker) => {
    const service = asRecord(await docker.getService(encodeURIComponent(id)).inspect(), "service");
    const found = versionOf(service, "service");
    if (found !== version) {
      throw new EngineError("conflict", `could not ${what}: it has changed (version ${found}, not ${version})`);
    }
    const spec = asRecord(service["Spec"], "service.Spec");
    if (asRecord(spec["Mode"], "service.Spec.Mode")["Replicated"] === undefined) {
      throw new EngineError("refused", `could not ${what}: it is not replicated`);
    }
    return { ...spec, Mode: { Replicated: { Replicas: replicas } } };
  });
  await manager.call(what, writeMs, (docker) =>
    docker.getService(encodeURIComponent(id)).update({ _query: { version }, _body: specification }),
  );
}

function changedService(value: unknown): string | null {
  const event = asRecord(value, "event");
  if (event["Type"] !== "service") return null;
  const attributes = asTextMap(asRecord(event["Actor"], "event.Actor")["Attributes"], "event.Actor.Attributes");
  return asText(attributes["name"], "event.Actor.Attributes.name");
}
