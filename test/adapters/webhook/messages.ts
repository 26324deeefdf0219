import type { Message } from "../../../src/ports/notifier.ts";

export function aMessage(changes: Partial<Message> = {}): Message {
  return {
    id: "live/surplus/web@1700017860000#1",
    key: "live/surplus/web",
    kind: "surplus",
    subject: "web",
    state: "firing",
    severity: "warning",
    environment: "live",
    title: "[heal live] WARNING web: 1 more than asked for (4 of 3)",
    body: [
      { heading: "", lines: ["web runs 4 instances, 1 more than the 3 asked for, since 03:11 UTC (5m)."] },
      { heading: "What heal does", lines: ["Stops nothing: which one is too many is for a person to say."] },
      {
        heading: "What you can do",
        lines: [
          "`heal why web` lists the instances, where they run and who started them.",
          '`heal silence web --for 2h --why "…"` keeps this quiet while you work on it.',
        ],
      },
      {
        heading: "Evidence",
        lines: ["4 healthy of 3 asked for, 1 too many; run by: engine", "not of heal's counting: web-by-hand on h2"],
      },
    ],
    sinceMs: 1_700_017_860_000,
    atMs: 1_700_018_160_000,
    services: ["web"],
    ...changes,
  };
}

/** What a service's name or a container's output could try, once it is clean of control characters. */
const orders =
  '@all @channel @here @所有人 <!channel> <!here> <@U123> <at user_id="all">all</at> [click](http://evil.example) **bold** # head &lt;b&gt; "}],"at":{"isAtAll":true}';

export function aHostileMessage(): Message {
  const line = `${orders} ${"A".repeat(400)}`;
  return aMessage({
    title: `[heal live] WARNING ${orders}`,
    subject: orders,
    key: `live/surplus/${orders}`,
    services: [orders],
    body: [
      { heading: "", lines: [line] },
      { heading: "What you can do", lines: Array.from({ length: 4 }, () => line) },
      { heading: "Evidence", lines: Array.from({ length: 40 }, () => line) },
    ],
  });
}
