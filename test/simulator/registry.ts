import { RegistryError } from "../../src/ports/registry.ts";
import type { Answer, NewRegistration, ReadOptions, Registry } from "../../src/ports/registry.ts";
import type { Agent } from "./consul-agent.ts";
import { assertLeader, blockingRead, lineTo } from "./consul-line.ts";
import type { ConsulDeps } from "./consul-line.ts";
import type { Topic, View } from "./consul-servers.ts";
import type { Process } from "./process.ts";
import { ask } from "./wire.ts";

export interface SimulatedRegistryDeps extends ConsulDeps {
  /** Agents by the host whose registrations they own. */
  readonly agents: Readonly<Record<string, Agent>>;
  readonly witness: RegistryWitness;
}

/** Hears of what a controller asks of an agent as it takes effect, and of reads: whether they came back, and whole. */
export interface RegistryWitness {
  registered(process: Process, agent: Agent, registration: NewRegistration): void;
  deregistered(process: Process, agent: Agent, id: string): void;
  maintained(process: Process, agent: Agent, id: string, on: boolean): void;
  read(process: Process, service: string, isWhole: boolean): void;
}

const calls = {
  register: { name: "registry.register", mutates: true, deadlineMs: 5_000 },
  deregister: { name: "registry.deregister", mutates: true, deadlineMs: 5_000 },
  maintenance: { name: "registry.maintenance", mutates: true, deadlineMs: 5_000 },
  nodeOf: { name: "registry.nodeOf", mutates: false, deadlineMs: 5_000 },
  readKey: { name: "registry.readKey", mutates: false, deadlineMs: 5_000 },
} as const;

/** The Registry port of one controller, through its own machine's agent. */
export function simulatedRegistry(deps: SimulatedRegistryDeps): Registry {
  const { servers, process, conditions, agents, witness } = deps;
  const nodeNames = new Map<string, string>();

  const read = <T>(name: string, topic: Topic, options: ReadOptions, nothing: T, view: (lagMs: number) => View<T>) =>
    blockingRead<Answer<T>>(deps, name, topic, options, () => {
      const stale = options.consistency === "stale";
      if (!stale) assertLeader(deps);
      if (conditions.acl === "denied") throw new RegistryError("denied", "Permission denied");
      const alone = !servers.hasLeader() || !deps.agent.reachesServers();
      const lagMs = stale
        ? process.dice.int(0, alone ? 5_000 : 300)
        : options.consistency === "default"
          ? conditions.defaultLagMs
          : 0;
      const { value, index } = view(lagMs);
      const filtered = conditions.acl === "filtered";
      const empty = filtered || (conditions.empty && options.consistency !== "consistent");
      return { value: empty ? nothing : value, index, knownLeader: !alone, lastContactMs: stale ? lagMs : 0, filtered };
    });

  const agentOfHost = (host: string): Agent => {
    const agent = Object.hasOwn(agents, host) ? agents[host] : undefined;
    if (agent === undefined) throw new RegistryError("refused", `host ${host} has no Consul agent`);
    return agent;
  };
  const agentOfNode = (node: string): Agent => {
    const agent = Object.values(agents).find((one) => one.node === node);
    if (agent === undefined) throw new RegistryError("refused", `no host's Consul agent is node ${node}`);
    return agent;
  };

  return {
    readService: async (name, options) => {
      try {
        const answer = await read(`registry.readService`, `service:${name}`, options, [], (lagMs) =>
          servers.service(name, lagMs),
        );
        witness.read(process, name, answer.knownLeader && !answer.filtered);
        return answer;
      } catch (error) {
        if (options.signal?.aborted !== true) witness.read(process, name, false);
        throw error;
      }
    },
    readNodes: (options) => read("registry.readNodes", "nodes", options, [], () => servers.nodeList()),
    readNotPassing: (state, options) =>
      read(`registry.readNotPassing`, state, options, [], () => servers.notPassing(state)),
    readServiceNames: (options) => read("registry.readServiceNames", "names", options, [], () => servers.names()),
    readNodeServices: (node, options) =>
      read("registry.readNodeServices", `node:${node}`, options, [], () => servers.servicesOn(node)),
    register: async (host, registration) => {
      const agent = agentOfHost(host);
      await ask(lineTo(deps, agent), calls.register, () => {
        assertAllowed(deps);
        agent.register(registration);
        witness.registered(process, agent, registration);
      });
    },
    deregister: async (node, id) => {
      const agent = agentOfNode(node);
      await ask(lineTo(deps, agent), calls.deregister, () => {
        assertAllowed(deps);
        witness.deregistered(process, agent, id);
        agent.deregister(id);
      });
    },
    setMaintenance: async (node, id, reason) => {
      const agent = agentOfNode(node);
      await ask(lineTo(deps, agent), calls.maintenance, () => {
        assertAllowed(deps);
        if (!agent.services.has(id)) throw new RegistryError("refused", `Unknown service "${id}"`);
        agent.setMaintenance(id, reason);
        witness.maintained(process, agent, id, reason !== null);
      });
    },
    nodeOf: async (host) => {
      const known = nodeNames.get(host);
      if (known !== undefined) return known;
      const agent = agentOfHost(host);
      const node = await ask(lineTo(deps, agent), calls.nodeOf, () => agent.node);
      nodeNames.set(host, node);
      return node;
    },
    readKey: (key) =>
      ask(lineTo(deps, deps.agent), calls.readKey, () => {
        assertLeader(deps);
        return deps.keys.get(key);
      }),
  };
}

function assertAllowed({ conditions }: ConsulDeps): void {
  if (conditions.acl === "denied") throw new RegistryError("denied", "Permission denied");
}
