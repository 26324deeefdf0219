/**
 * An instance whose slot another one serves by now (its host was lost and came back, or it was replaced while
 * unhealthy) is removed: `heal` itself made it superfluous. Only when its successor is healthy, and nothing else is.
 */
import type { Proposal, Situation } from "../situation.ts";
import { stopInstance } from "../stop.ts";

export function removeSuperseded({ stock, service }: Situation): Proposal {
  const actions = stock.counted
    .filter(({ superseded, condition }) => superseded && condition !== "unknown")
    .map((one) => {
      const { name, host, slot } = one.instance.container;
      return stopInstance(service, one, {
        rule: "remove-superseded",
        evidence: `${name} on ${host} was replaced: another instance of slot ${slot} is healthy`,
      });
    });
  return { actions, holds: [] };
}
