import type { Because, StopInstance } from "../model/action.ts";
import type { Service } from "../model/service.ts";
import type { Counted } from "./stock.ts";

const DEFAULT_GRACE_MS = 10_000;
/** Consul DNS and templates follow a change within a few milliseconds; clients re-resolve within about a second. */
const DRAIN_MS = 1_000;

/** The stop of one instance: its registration goes with it. Who is routed to it gets time to go elsewhere. */
export function stopInstance(service: Service, { instance, condition }: Counted, because: Because): StopInstance {
  const { container, registration } = instance;
  return {
    kind: "stop-instance",
    service: service.name,
    host: container.host,
    containerId: container.id,
    name: container.name,
    registration: registration === null ? null : { id: registration.id, node: registration.node },
    drainMs: condition === "healthy" && registration !== null ? DRAIN_MS : 0,
    graceMs: service.container?.stopGraceMs ?? DEFAULT_GRACE_MS,
    because,
  };
}
