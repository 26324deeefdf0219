import type { CheckStatus, Registration } from "../../model/instance.ts";
import type { NodeHealth, NodeService, NotPassing } from "../../ports/registry.ts";
import { RegistryError } from "../../ports/registry.ts";
import type { Share } from "../shared-texts.ts";
import { asItIs } from "../shared-texts.ts";
import { fields, filledText, list, listOrNone, plainText, text, textOr, texts, wholeNumber } from "./decode.ts";

const outputCharactersMax = 200;
const nodeMaintenance = "_node_maintenance";
const serviceMaintenance = "_service_maintenance:";
const severity: Readonly<Record<CheckStatus, number>> = { passing: 0, warning: 1, critical: 2 };

interface Check {
  readonly id: string;
  readonly node: string;
  readonly serviceId: string;
  readonly serviceName: string;
  readonly status: CheckStatus;
  readonly output: string;
  readonly notes: string;
}

/** The answer of `/v1/health/service/<name>`. `share`: for texts that many have in common. */
export function registrations(answer: unknown, share: Share = asItIs): Registration[] {
  return list(answer, "services", (value, where) => registration(value, where, share));
}

function registration(value: unknown, where: string, share: Share): Registration {
  const entry = fields(value, where);
  const node = fields(entry["Node"], `${where}.Node`);
  const service = fields(entry["Service"], `${where}.Service`);
  const checks = listOrNone(entry["Checks"], `${where}.Checks`, check);
  const id = filledText(service["ID"], `${where}.Service.ID`);
  const own = checks.filter((one) => one.serviceId === id);
  const nodes = checks.filter((one) => one.serviceId === "");
  const worst = worstOf(own);
  // The node's comes first: as long as it lasts, ending the service's would change nothing.
  const maintenance =
    checks.find((one) => one.id === nodeMaintenance) ?? checks.find((one) => one.id === `${serviceMaintenance}${id}`);
  const address = textOr(service["Address"], `${where}.Service.Address`, "");
  const found: Registration = {
    id,
    name: share(filledText(service["Service"], `${where}.Service.Service`)),
    node: share(filledText(node["Node"], `${where}.Node.Node`)),
    nodeStatus: worstOf(nodes)?.status ?? "passing",
    // A service registered without an address is reached at its node's.
    address: share(address === "" ? textOr(node["Address"], `${where}.Node.Address`, "") : address),
    port: wholeNumber(service["Port"], `${where}.Service.Port`),
    tags: listOrNone(service["Tags"], `${where}.Service.Tags`, (tag, at) => share(text(tag, at))),
    meta: texts(service["Meta"], `${where}.Service.Meta`, share),
    status: worst?.status ?? "passing",
    inMaintenance: maintenance !== undefined,
    output: worst === undefined ? "" : share(plainText(worst.output, outputCharactersMax)),
    modifyIndex: wholeNumber(service["ModifyIndex"], `${where}.Service.ModifyIndex`),
  };
  // There are many without: what is spread into takes half as much memory again.
  if (maintenance === undefined) return found;
  return { ...found, maintenanceReason: plainText(maintenance.notes, outputCharactersMax) };
}

/** The answer of `/v1/health/state/<state>`. */
export function notPassing(answer: unknown): NotPassing[] {
  return list(answer, "checks", check).map((one) => ({
    node: one.node,
    serviceName: one.serviceName === "" ? null : one.serviceName,
    serviceId: one.serviceId === "" ? null : one.serviceId,
    checkId: one.id,
  }));
}

/** Joins `/v1/catalog/nodes` with the gossip checks that are not passing; a node without one is well, or not watched by gossip. */
export function nodeHealth(nodes: unknown, gossipChecks: unknown): NodeHealth[] {
  const statusOf = new Map(list(gossipChecks, "checks", check).map((one) => [one.node, one.status]));
  return list(nodes, "nodes", (value, where) => {
    const entry = fields(value, where);
    const node = filledText(entry["Node"], `${where}.Node`);
    return { node, address: textOr(entry["Address"], `${where}.Address`, ""), status: statusOf.get(node) ?? "passing" };
  });
}

/** The answer of `/v1/catalog/node/<node>`: null for a node that is not there. */
export function nodeServices(answer: unknown): NodeService[] {
  if (answer === null) return [];
  const services = Object.entries(fields(fields(answer, "node")["Services"] ?? {}, "node.Services"));
  return services.map(([id, value]) => {
    const where = `node.Services.${plainText(id, 60)}`;
    const service = fields(value, where);
    return {
      id,
      serviceName: filledText(service["Service"], `${where}.Service`),
      modifyIndex: wholeNumber(service["ModifyIndex"], `${where}.ModifyIndex`),
    };
  });
}

export function serviceNames(answer: unknown): string[] {
  return Object.keys(fields(answer, "services"));
}

function check(value: unknown, where: string): Check {
  const entry = fields(value, where);
  return {
    id: filledText(entry["CheckID"], `${where}.CheckID`),
    node: filledText(entry["Node"], `${where}.Node`),
    serviceId: textOr(entry["ServiceID"], `${where}.ServiceID`, ""),
    serviceName: textOr(entry["ServiceName"], `${where}.ServiceName`, ""),
    status: checkStatus(entry["Status"], `${where}.Status`),
    output: textOr(entry["Output"], `${where}.Output`, ""),
    notes: textOr(entry["Notes"], `${where}.Notes`, ""),
  };
}

function checkStatus(value: unknown, where: string): CheckStatus {
  const status = text(value, where);
  if (status === "passing" || status === "warning" || status === "critical") return status;
  throw new RegistryError("unclear", `Consul's answer is not understood: ${where} is ${plainText(status, 40)}`);
}

function worstOf(checks: readonly Check[]): Check | undefined {
  let worst: Check | undefined;
  for (const one of checks) if (worst === undefined || severity[one.status] > severity[worst.status]) worst = one;
  return worst;
}
