import type { Registration } from "../../model/instance.ts";
import type { Answer } from "../../ports/registry.ts";
import type { Share } from "../shared-texts.ts";
import { asItIs } from "../shared-texts.ts";
import type { ConsulConnection } from "./connection.ts";
import { fields, filledText, list, textOr, wholeNumber } from "./decode.ts";
import type { LastAnswers } from "./last-answers.ts";
import { json, readText } from "./read.ts";
import { registrations } from "./registrations.ts";

type ByName = ReadonlyMap<string, readonly Registration[]>;

/** What was registered on a node, with the names of services of which something may have moved while it was read. */
export interface NodeContent {
  readonly services: ByName;
  readonly moved: ReadonlySet<string>;
}

export type AllServices = Omit<Answer<unknown>, "value"> & { readonly value: ByName };

/**
 * Every service by its name, as `/v1/health/service/<name>` would have answered one by one, from two requests for each
 * node: its checks, and then what is registered on it. A service that changed between the two is left out, as is one
 * without instances. null where the nodes are so many that this is not worth it, and where Consul left out what the
 * token may not see: that may be a service that nobody asked about. Rejects with `RegistryError`.
 */
export async function readAllServices(
  connection: ConsulConnection,
  last: LastAnswers<NodeContent>,
  nodesMax: number,
  share: Share = asItIs,
): Promise<AllServices | null> {
  const options = { consistency: "default" } as const;
  const nodes = await readText(connection, { path: ["catalog", "nodes"], what: "nodes" }, options);
  const names = list(json({ text: nodes.value ?? "null" }, "nodes"), "nodes", (value, where) =>
    filledText(fields(value, where)["Node"], `${where}.Node`),
  );
  if (names.length === 0 || names.length > nodesMax) return null;
  const read = await Promise.all(names.map((node) => readNode(connection, node, last, share)));
  const answers = [nodes, ...read.flatMap(({ answers }) => answers)];
  if (answers.some(({ filtered }) => filtered)) return null;
  return {
    value: joined(read.map(({ content }) => content)),
    index: Math.min(...answers.map(({ index }) => index)),
    knownLeader: answers.every(({ knownLeader }) => knownLeader),
    lastContactMs: Math.max(...answers.map(({ lastContactMs }) => lastContactMs)),
    filtered: false,
  };
}

async function readNode(connection: ConsulConnection, node: string, last: LastAnswers<NodeContent>, share: Share) {
  const options = { consistency: "default" } as const;
  const checks = await readText(
    connection,
    { path: ["health", "node", node], what: `checks of node ${node}` },
    options,
  );
  const services = await readText(
    connection,
    { path: ["catalog", "node", node], what: `services of node ${node}` },
    options,
  );
  const [checksText, servicesText] = [checks.value ?? "[]", services.value ?? "null"];
  const content = last.read(node, `${checks.index} ${checksText}${servicesText}`, () =>
    contentOf(
      json({ text: checksText }, `checks of node ${node}`),
      json({ text: servicesText }, `services of node ${node}`),
      checks.index,
      share,
    ),
  );
  return { answers: [checks, services], content };
}

/** `checksIndex`: what is newer than this was not there yet when the checks were read. */
export function contentOf(checks: unknown, node: unknown, checksIndex: number, share: Share = asItIs): NodeContent {
  if (node === null) return { services: new Map(), moved: new Set() };
  const { Node, Services } = fields(node, "node");
  const byService = new Map<string, unknown[]>();
  const nameOf = new Map<string, string>();
  list(checks, "checks", (check, where) => {
    const entry = fields(check, where);
    const id = textOr(entry["ServiceID"], `${where}.ServiceID`, "");
    byService.set(id, [...(byService.get(id) ?? []), check]);
    nameOf.set(id, textOr(entry["ServiceName"], `${where}.ServiceName`, ""));
  });
  const onNode = byService.get("") ?? [];
  const moved = new Set<string>();
  const entries = Object.entries(fields(Services ?? {}, "node.Services")).map(([id, Service]) => {
    const service = fields(Service, "node.Services");
    nameOf.delete(id);
    const name = filledText(service["Service"], "node.Services.Service");
    if (wholeNumber(service["ModifyIndex"], "node.Services.ModifyIndex") > checksIndex) moved.add(name);
    return { Node, Service, Checks: [...onNode, ...(byService.get(id) ?? [])] };
  });
  // Checks of what is not registered any more.
  for (const [id, name] of nameOf) if (id !== "") moved.add(name);
  const services = new Map<string, Registration[]>();
  for (const registration of registrations(entries, share)) {
    const same = services.get(registration.name);
    if (same === undefined) services.set(registration.name, [registration]);
    else same.push(registration);
  }
  return { services, moved };
}

function joined(contents: readonly NodeContent[]): ByName {
  const all = new Map<string, Registration[]>();
  for (const { services } of contents)
    for (const [name, found] of services) {
      const before = all.get(name);
      if (before === undefined) all.set(name, [...found]);
      else before.push(...found);
    }
  for (const { moved } of contents) for (const name of moved) all.delete(name);
  return all;
}
