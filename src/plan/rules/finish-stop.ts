/**
 * A stop that was begun and not finished (`heal` died over it, or the engine did not answer): the instance is out of
 * service by our own hand already, so the rest is done.
 */
import { RULE } from "../rule-names.ts";
import type { Proposal, Situation } from "../situation.ts";
import { nothing } from "../situation.ts";
import { stopInstance } from "../stop.ts";

export function finishStop(situation: Situation): Proposal {
  const { stock, memory, nowMs } = situation;
  const leaving = stock.amiss.filter(({ condition }) => condition === "leaving");
  if (leaving.length === 0) return nothing;
  const expired = new Set(
    memory.inFlight.filter(({ expiresAtMs }) => nowMs >= expiresAtMs).map(({ subject }) => subject),
  );
  const actions = leaving
    .filter(({ instance }) => expired.has(instance.container.id))
    .map((one) => {
      const { name, host } = one.instance.container;
      const evidence = `${name} on ${host} was taken out of service to be stopped, and still runs`;
      return stopInstance(situation, one, { rule: RULE.finishStop, evidence });
    });
  return { actions, holds: [] };
}
