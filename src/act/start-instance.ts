import type { StartInstance } from "../model/action.ts";
import type { Container } from "../model/instance.ts";
import { LABEL } from "../model/labels.ts";
import type { Service } from "../model/service.ts";
import type { Creation, Engine, MayGoOn } from "../ports/engine.ts";
import { EngineError } from "../ports/engine.ts";
import { RegistryError } from "../ports/registry.ts";
import { resolveEnvironment } from "./environment.ts";
import type { Hands } from "./hands.ts";
import { ActionRefused, engineOf, Fenced } from "./hands.ts";
import { endMaintenance, registrationOf } from "./registration.ts";

/**
 * Starts one instance and registers it. A name that is taken means that this start, or a competing one, got there
 * before: what holds the name is taken as it is where it runs, made anew where it does not, and never doubled. A registration that fails
 * does not undo the start: the next pass sees an unlisted instance and registers it.
 *
 * The container is created while Memory is still being written, and started only when that is done: see
 * docs/decisions/create-while-writing.md.
 */
export async function startInstance(hands: Hands, service: Service, action: StartInstance): Promise<string | null> {
  // The next one may begin while this one is registered.
  const container = await hands.starts.run(action.host, () => bringUp(hands, service, action));
  return register(hands, service, action, container);
}

async function bringUp(hands: Hands, service: Service, action: StartInstance): Promise<Container> {
  const breach = hands.policyBreach(service);
  if (breach !== null) throw new ActionRefused(breach, "never");
  if (service.container === null) throw new ActionRefused(`${service.name} has no container template`, "never");
  const engine = engineOf(hands, action.host);
  const environment = await resolveEnvironment(hands, service);
  const creation: Creation = {
    name: action.name,
    template: service.container,
    environment,
    slot: action.slot,
    labels: {
      [LABEL.environment]: hands.environment,
      [LABEL.service]: service.name,
      [LABEL.slot]: String(action.slot),
      [LABEL.generation]: String(action.generation),
      [LABEL.specHash]: action.specHash,
      [LABEL.sequencer]: hands.fence(),
    },
  };
  return startOrComplete(hands, engine, creation, action);
}

async function startOrComplete(
  hands: Hands,
  engine: Engine,
  creation: Creation,
  action: StartInstance,
): Promise<Container> {
  const mayGoOn: MayGoOn = async (next) => {
    if (next === "start") await hands.writtenDown();
    hands.fence();
  };
  try {
    return await engine.start(creation, mayGoOn);
  } catch (error) {
    if (!(error instanceof EngineError) || error.kind !== "name-taken") throw error;
  }
  await hands.writtenDown();
  const holder = await engine.inspect(action.name);
  if (holder === null) throw new EngineError("unclear", `the name ${action.name} was taken and is free again`);
  if (holder.service !== action.service || holder.slot !== action.slot || holder.generation !== action.generation) {
    throw new ActionRefused(`a container that is not ours is called ${action.name}: rename or remove it`, "never");
  }
  // However it fares: it has been started, and what becomes of it is the next pass's business.
  if (holder.state === "running" || holder.state === "restarting" || holder.state === "paused") return holder;
  // Nor is one that was only created started as it is: it may lack a network, or ask for a port that is taken here.
  hands.fence();
  await engine.remove(holder.id);
  hands.fence();
  return engine.start(creation, mayGoOn);
}

async function register(
  hands: Hands,
  service: Service,
  action: StartInstance,
  container: Container,
): Promise<string | null> {
  if (service.consul === null) return null;
  try {
    const registration = registrationOf(hands, service, container, "critical");
    hands.fence();
    await hands.registry.register(action.host, registration);
    // The slot's last instance may have been stopped half-way, and Consul keeps maintenance over a re-registration.
    await endMaintenance(hands, action.host, registration.id);
    return null;
  } catch (error) {
    // It has been started, whatever comes now: the next pass, of this process or another, registers it.
    if (error instanceof RegistryError || error instanceof ActionRefused || error instanceof Fenced) {
      return `started, but not registered yet: ${error.message}`;
    }
    throw error;
  }
}
