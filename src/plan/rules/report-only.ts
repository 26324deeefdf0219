/**
 * What is worth saying and nothing is done about: instances of an older specification keep running until they are
 * replaced one by one or released anew, and a service with nothing to adopt waits for somebody to create it.
 */
import type { Hold } from "../../model/action.ts";
import type { Proposal, Situation } from "../situation.ts";

export function reportOnly({ service, stock, observed }: Situation): Proposal {
  const holds: Hold[] = [];
  const old = stock.counted.filter(
    ({ instance, condition }) =>
      condition !== "ended" && instance.container.specHash !== null && instance.container.specHash !== service.specHash,
  );
  if (old.length > 0) {
    holds.push({
      service: service.name,
      because: { rule: "old-specification", evidence: `${old.length} instances run an older specification` },
      heldBy: "no-release",
      reason: "they keep running; what is started from now on uses the new one",
      untilMs: null,
    });
  }
  const binding = observed.binding;
  if (binding.kind === "known" && binding.value.kind === "none" && service.runtime !== "swarm") {
    holds.push({
      service: service.name,
      because: { rule: "adopt", evidence: binding.value.reason },
      heldBy: "nothing-to-adopt",
      reason: "start it with Compose or Swarm under this name, or add a container template",
      untilMs: null,
    });
  }
  return { actions: [], holds };
}
