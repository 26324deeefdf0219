/**
 * An instance whose slot another one serves by now (its host was lost and came back, or it was replaced while
 * unhealthy) is removed: `heal` itself made it superfluous. Only when its successor is healthy, and nothing else is.
 * One that a person has put in maintenance is left alone until that ends.
 */
import type { Action, Hold } from "../../model/action.ts";
import { RULE } from "../rule-names.ts";
import type { Proposal, Situation } from "../situation.ts";
import { holdBack } from "../situation.ts";
import { isTakenOutByHand, mayBeMaster, stopInstance } from "../stop.ts";

export function removeSuperseded(situation: Situation): Proposal {
  const actions: Action[] = [];
  const holds: Hold[] = [];
  for (const one of situation.stock.counted) {
    if (!one.superseded || one.condition === "unknown" || one.condition === "leaving") continue;
    const { name, host, slot } = one.instance.container;
    const evidence = `${name} on ${host} was replaced: another instance of slot ${slot} is healthy`;
    const because = { rule: RULE.removeSuperseded, evidence };
    if (isTakenOutByHand(one)) {
      holds.push(holdBack(situation, because, "in-maintenance", "a person has put it in maintenance: it goes after"));
    } else if (mayBeMaster(situation.service, one)) {
      holds.push(holdBack(situation, because, "redis-master", "it may be the master: its role has to go first"));
    } else actions.push(stopInstance(situation, one, because));
  }
  return { actions, holds };
}
