import type { AlertFacts, ServiceFacts } from "../../model/alert.ts";
import type { Instance } from "../../model/instance.ts";
import type { Standing } from "../../model/plan.ts";
import { command } from "./condition.ts";
import { actionPhrase, listed, named, said, shellWord } from "./wording.ts";

export function silenceAdvice(facts: AlertFacts, name: string): string {
  return `${command(facts, `silence ${shellWord(name)} --for 2h --why "…"`)} keeps this quiet while you work on it.`;
}

/** Counts, sight, what is held back and what failed: what a service's alert rests on. */
export function evidenceOf({ holds, acted, instances, service }: ServiceFacts, standing: Standing): readonly string[] {
  const counts = [
    `${standing.healthy} healthy of ${standing.desired} asked for`,
    ...(
      [
        ["starting", standing.starting],
        ["unhealthy", standing.unhealthy],
        ["on hosts that do not answer", standing.unknown],
        ["too many", standing.surplus],
        ["waiting after failures", standing.backingOff],
        ["set aside", standing.quarantined],
      ] as const
    )
      .filter(([, count]) => count > 0)
      .map(([word, count]) => `${count} ${word}`),
  ];
  const failures = (acted?.results ?? []).filter((result) => result.kind === "failed");
  return [
    `${counts.join(", ")}; run by: ${standing.runtime}`,
    ...instanceLines(instances, service.count),
    `sight: ${standing.trust}, ${said(standing.trustReason)}`,
    ...holds.slice(0, 3).map((hold) => `held by ${named(hold.heldBy)}: ${said(hold.reason)}`),
    ...failures.slice(0, 3).map(({ action, message }) => `failed to ${actionPhrase(action)}: ${said(message)}`),
  ];
}

/** Where its instances run, and which of them `heal` has no slot for: somebody or something else started those. */
function instanceLines(instances: readonly Instance[], count: number): readonly string[] {
  const there = instances.filter(({ container }) => container.state !== "exited" && container.state !== "dead");
  const isExtra = ({ container: { slot } }: Instance): boolean => slot === null || slot > count;
  const place = ({ container: { name, host } }: Instance): string => `${named(name)} on ${named(host)}`;
  const extra = there.some((one) => !isExtra(one)) ? there.filter(isExtra) : [];
  const others = there.filter((one) => !extra.includes(one));
  return [
    ...(extra.length > 0 ? [`not of heal's counting: ${listed(extra.map(place), 4)}`] : []),
    ...(others.length > 0 ? [`instances: ${listed(others.map(place), 4)}`] : []),
  ];
}
