/**
 * An instance whose slot another one serves by now (its host was lost and came back, or it was replaced while
 * unhealthy) is removed: `heal` itself made it superfluous. Only when its successor is healthy, and nothing else is.
 * One that a person has put in maintenance is left alone until that ends.
 */
import type { Action, Hold } from "../../model/action.ts";
import { RULE } from "../rule-names.ts";
import type { Proposal, Situation } from "../situation.ts";
import { gather, holdBack } from "../situation.ts";
import type { Counted } from "../stock.ts";
import { isTakenOutByHand, mayBeMaster, stopInstance } from "../stop.ts";

export function removeSuperseded(situation: Situation): Proposal {
  const superseded = situation.stock.amiss.filter(
    (one) => one.superseded && one.condition !== "unknown" && one.condition !== "leaving",
  );
  return gather(superseded.map((one) => remove(situation, one)));
}

function remove(situation: Situation, one: Counted): Action | Hold {
  const { name, host, slot } = one.instance.container;
  const evidence = `${name} on ${host} was replaced: another instance of slot ${slot} is healthy`;
  const because = { rule: RULE.removeSuperseded, evidence };
  if (isTakenOutByHand(one)) {
    return holdBack(situation, because, "in-maintenance", "a person has put it in maintenance: it goes after");
  }
  if (mayBeMaster(situation, one)) {
    return holdBack(situation, because, "redis-master", "it may be the master: its role has to go first");
  }
  return stopInstance(situation, one, because);
}
