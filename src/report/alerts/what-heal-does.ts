import type { AlertFacts, ServiceFacts } from "../../model/alert.ts";
import type { Standing } from "../../model/plan.ts";
import { listed, named, quantity, said, shellWord } from "./wording.ts";

/** One sentence: what is being done about a service right now, or what keeps it from being done. */
export function whatHealDoes(facts: AlertFacts, service: ServiceFacts, standing: Standing): string {
  const { memory, holds, acted } = service;
  const { pause } = memory;
  if (pause !== null && (pause.untilMs === null || pause.untilMs > facts.nowMs)) {
    const why = pause.why === "" ? "" : ` (${said(pause.why)})`;
    return `Nothing: it is paused${why}. \`heal resume ${shellWord(service.service.name)}${facts.commandSuffix}\` ends that.`;
  }
  if (standing.trust === "suspect") return `Waits for reads that agree before it acts: ${said(standing.trustReason)}.`;
  const stopping = memory.inFlight.filter(({ kind }) => kind === "stop").length;
  const starting = Math.max(standing.starting, memory.inFlight.filter(({ kind }) => kind === "start").length);
  if (starting > 0) return `${quantity(starting, "instance")} of it ${starting === 1 ? "is" : "are"} starting.`;
  if (memory.inFlight.some(({ kind }) => kind === "scale"))
    return "Has told its runtime to scale it, and waits for the effect.";
  if (stopping > 0) return `Is stopping ${quantity(stopping, "instance")} of it.`;
  if (standing.quarantined > 0)
    return `Has set ${quantity(standing.quarantined, "slot")} aside after repeated failures and tries again only rarely.`;
  if (standing.backingOff > 0)
    return `Waits before the next try: ${said(lastBackOff(service) ?? "the last one failed")}.`;
  const hold = holds[0];
  if (hold !== undefined) return `Holds back (${named(hold.heldBy)}): ${said(hold.reason)}.`;
  const done = (acted?.results ?? []).filter((result) => result.kind === "done");
  if (done.length > 0)
    return `Has acted (${listed(
      done.map(({ action }) => action.kind),
      3,
    )}) and watches for the effect.`;
  return "Looks again at every change and at every resync, and acts as soon as it safely can.";
}

function lastBackOff({ memory }: ServiceFacts): string | null {
  const slot = Object.values(memory.slots).find(({ backOff }) => backOff !== null);
  return slot?.backOff?.because ?? memory.backOff?.because ?? null;
}
