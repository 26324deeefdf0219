import { RegistryError } from "../../ports/registry.ts";
import type { ConsulConnection } from "./connection.ts";
import { fields, filledText } from "./decode.ts";
import { mustBeOk } from "./failures.ts";
import { json } from "./read.ts";

/** Which agent owns the registrations of which host, and what Consul calls it. */
export interface Agents {
  /** @throws RegistryError `refused` for a host without an agent. */
  ofHost(host: string): ConsulConnection;
  /** The name of the host's agent, asked once and kept. */
  nodeOf(host: string): Promise<string>;
  /** Rejects with `RegistryError` `refused` when none of the agents is that node. */
  ofNode(node: string): Promise<ConsulConnection>;
}

export function agentsOf(byHost: Readonly<Record<string, ConsulConnection>>): Agents {
  const names = new Map<ConsulConnection, Promise<string>>();

  function ofHost(host: string): ConsulConnection {
    const agent = Object.hasOwn(byHost, host) ? byHost[host] : undefined;
    if (agent === undefined)
      throw new RegistryError("refused", `host ${host} has no Consul agent: name one as its consulAgent in heal.json`);
    return agent;
  }

  function nameOf(agent: ConsulConnection): Promise<string> {
    const asked = names.get(agent);
    if (asked !== undefined) return asked;
    const name = nodeName(agent);
    names.set(agent, name);
    name.catch(() => names.delete(agent));
    return name;
  }

  async function ofNode(node: string): Promise<ConsulConnection> {
    try {
      return await find(node);
    } catch (error) {
      if ((error as RegistryError).kind !== "refused") throw error;
      // An agent may have been set up anew under another name at the same address.
      names.clear();
      return find(node);
    }
  }

  async function find(node: string): Promise<ConsulConnection> {
    const agents = [...new Set(Object.values(byHost))];
    const answers = await Promise.allSettled(agents.map(nameOf));
    const position = answers.findIndex((answer) => answer.status === "fulfilled" && answer.value === node);
    const found = agents[position];
    if (found !== undefined) return found;
    const silent = answers.find((answer) => answer.status === "rejected");
    // One that did not answer may be the one that is looked for.
    if (silent !== undefined)
      throw new RegistryError("unreachable", `no agent known as node ${node}, and not all of them answer`, {
        cause: silent.reason,
      });
    throw new RegistryError(
      "refused",
      `no host's Consul agent is node ${node}: only the agent that owns a registration can change it`,
    );
  }

  return { ofHost, ofNode, nodeOf: async (host) => nameOf(ofHost(host)) };
}

async function nodeName(agent: ConsulConnection): Promise<string> {
  const reply = mustBeOk(
    await agent.request({ method: "GET", path: ["agent", "self"] }),
    `asking ${agent.url} for its name`,
  );
  const config = fields(fields(json(reply, "agent"), "agent")["Config"], "agent.Config");
  return filledText(config["NodeName"], "agent.Config.NodeName");
}
