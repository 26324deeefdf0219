import type { Registration } from "../../model/instance.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Answer, ReadOptions, Registry } from "../../ports/registry.ts";
import { shareTexts } from "../shared-texts.ts";
import { mayRead } from "./access.ts";
import { agentsOf } from "./agents.ts";
import type { ConsulConnection } from "./connection.ts";
import { fields, text } from "./decode.ts";
import { mustBeOk } from "./failures.ts";
import { openLastAnswers } from "./last-answers.ts";
import { registrationBody } from "./registration-body.ts";
import { nodeHealth, nodeServices, notPassing, registrations, serviceNames } from "./registrations.ts";
import type { NodeContent } from "./read-all.ts";
import { readAllServices } from "./read-all.ts";
import { json, read, readText } from "./read.ts";
import { openServiceReads } from "./service-reads.ts";

export interface ConsulRegistryDeps {
  /** The agent that is asked about the cluster. */
  readonly connection: ConsulConnection;
  /** By host: the agent that owns what runs there. Several hosts may share one. */
  readonly agents: Readonly<Record<string, ConsulConnection>>;
  readonly clock: Clock;
}

/** Consul's catalog and health as a `Registry`. Owns no connection: whoever made them closes them. */
export function consulRegistry({ connection, agents: byHost, clock }: ConsulRegistryDeps): Registry {
  const agents = agentsOf(byHost);
  const share = shareTexts();
  const last = openLastAnswers<readonly Registration[]>();

  /** Consul before 1.11 does not say that it left results out, so an answer with nothing in it is asked about. */
  async function checked<T>(
    answer: Answer<T>,
    isEmpty: boolean,
    resource: "service" | "node",
    name: string,
  ): Promise<Answer<T>> {
    if (!isEmpty || answer.filtered) return answer;
    return { ...answer, filtered: !(await mayRead(connection, resource, name)) };
  }

  async function readOne(name: string, options: ReadOptions): Promise<Answer<readonly Registration[]>> {
    const what = `services named ${name}`;
    const answer = await readText(connection, { path: ["health", "service", name], what }, options);
    const text = answer.value ?? "null";
    const value = last.read(name, text, () => registrations(json({ text }, what), share));
    if (value.length === 0) last.forget(name);
    return checked({ ...answer, value }, value.length === 0, "service", name);
  }
  const lastNodes = openLastAnswers<NodeContent>();
  const readMany = openServiceReads({
    one: (name) => readOne(name, { consistency: "default" }),
    all: (nodesMax) => readAllServices(connection, lastNodes, nodesMax, share),
    clock,
  });

  return {
    readService: (name, options) => (isPlain(options) ? readMany(name, options.asOfMs) : readOne(name, options)),

    async readNodes(options) {
      // Gossip knows a node as passing or critical. Asked for the critical ones, Consul need not go through all checks.
      const lost = {
        path: ["health", "state", "critical"],
        query: { filter: "CheckID == serfHealth" },
        what: "node checks",
      };
      const checks = await read(connection, lost, options);
      const { index: _index, waitMs: _waitMs, ...atOnce } = options;
      const nodes = await read(connection, { path: ["catalog", "nodes"], what: "nodes" }, atOnce);
      const value = nodeHealth(nodes.value, checks.value);
      const answer = { ...weaker(checks, nodes), value };
      // The agent that answers is a node itself, so that none at all means that they were left out.
      return { ...answer, filtered: answer.filtered || value.length === 0 };
    },

    async readNotPassing(state, options) {
      const answer = await read(connection, { path: ["health", "state", state], what: `${state} checks` }, options);
      return { ...answer, value: notPassing(answer.value) };
    },

    async readServiceNames(options) {
      const answer = await read(connection, { path: ["catalog", "services"], what: "service names" }, options);
      const value = serviceNames(answer.value);
      // Every cluster registers its servers as "consul": a list without it was cut short.
      return checked({ ...answer, value }, !value.includes("consul"), "service", "consul");
    },

    async readNodeServices(node, options) {
      const answer = await read(
        connection,
        { path: ["catalog", "node", node], what: `services of node ${node}` },
        options,
      );
      const value = nodeServices(answer.value);
      return checked({ ...answer, value }, value.length === 0, "node", node);
    },

    async register(host, registration) {
      const what = `registering ${registration.id}`;
      const reply = await agents.ofHost(host).request({
        method: "PUT",
        path: ["agent", "service", "register"],
        query: { "replace-existing-checks": "true" },
        json: registrationBody(registration),
      });
      mustBeOk(reply, what);
    },

    async deregister(node, registrationId) {
      const agent = await agents.ofNode(node);
      const reply = await agent.request({ method: "PUT", path: ["agent", "service", "deregister", registrationId] });
      if (!isUnknownService(reply.status, reply.text)) mustBeOk(reply, `deregistering ${registrationId}`);
    },

    async setMaintenance(node, registrationId, reason) {
      const agent = await agents.ofNode(node);
      const query: Record<string, string> = reason === null ? { enable: "false" } : { enable: "true", reason };
      const reply = await agent.request({
        method: "PUT",
        path: ["agent", "service", "maintenance", registrationId],
        query,
      });
      mustBeOk(reply, `maintenance of ${registrationId}`);
    },

    nodeOf: (host) => agents.nodeOf(host),

    readKey: (key) => readKey(connection, key),
  };
}

/** Neither blocking nor to be given up: it may be answered together with others. */
function isPlain({ consistency, index, signal }: ReadOptions): boolean {
  return consistency === "default" && index === undefined && signal === undefined;
}

async function readKey(connection: ConsulConnection, key: string): Promise<string | null> {
  const what = `key ${key}`;
  const answer = await read(
    connection,
    { path: ["kv", ...key.split("/")], what, alsoFine: [404] },
    { consistency: "consistent" },
  );
  if (answer.value === null) return null;
  const [entry] = Array.isArray(answer.value) ? (answer.value as unknown[]) : [];
  const value = fields(entry, what)["Value"];
  return value === null ? "" : Buffer.from(text(value, `${what}.Value`), "base64").toString("utf8");
}

/** Consul 1.8 takes it in silence; later ones say so. */
function isUnknownService(status: number, said: string): boolean {
  return (status === 404 || status === 500) && /unknown service/i.test(said);
}

function weaker(one: Answer<unknown>, other: Answer<unknown>): Answer<unknown> {
  return {
    value: null,
    index: one.index,
    knownLeader: one.knownLeader && other.knownLeader,
    lastContactMs: Math.max(one.lastContactMs, other.lastContactMs),
    filtered: one.filtered || other.filtered,
  };
}
