/**
 * What is worth saying and nothing is done about: instances of an older specification keep running until they are
 * replaced one by one or released anew, and a service with nothing to adopt waits for somebody to create it.
 */
import type { Hold } from "../../model/action.ts";
import { RULE } from "../rule-names.ts";
import type { Proposal, Situation } from "../situation.ts";
import { bindingOf, gather, holdBack } from "../situation.ts";
import { isLive } from "../same-slot.ts";

export function reportOnly(situation: Situation): Proposal {
  const { service, stock } = situation;
  const holds: Hold[] = [];
  let old = 0;
  for (const one of stock.counted) {
    const { specHash } = one.instance.container;
    if (specHash !== null && specHash !== service.specHash && isLive(one)) old += 1;
  }
  if (old > 0) {
    const evidence = `${old} ${old === 1 ? "instance runs" : "instances run"} an older specification`;
    const reason = "they keep running; what is started from now on uses the new one";
    holds.push(holdBack(situation, { rule: RULE.oldSpecification, evidence }, "no-release", reason));
  }
  const binding = bindingOf(situation);
  if (binding?.kind === "none" && service.runtime !== "swarm") {
    const reason = "start it with Compose or Swarm under this name, or add a container template";
    holds.push(holdBack(situation, { rule: RULE.adopt, evidence: binding.reason }, "nothing-to-adopt", reason));
  }
  return gather(holds);
}
