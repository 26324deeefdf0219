import type { Container, DockerHealth } from "../../model/instance.ts";
import { hasEnded, isAlive, type ListedContainer } from "./parse-container.ts";

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The engine's two clocks readings and the answer's way may differ by this. */
const toleranceMs = 3 * secondMs;

/**
 * What the list answer makes of a container that was inspected before, or null when the two do not fit together and
 * it has to be inspected again. The list leaves out when a container started and ended; its Status text says it
 * roughly (`Up 5 minutes`), which is enough to notice that it was restarted since, events or not.
 */
export function refresh(before: Container, listed: ListedContainer, nowMs: number): Container | null {
  if (listed.state !== before.state || listed.state === "paused" || listed.state === "removing") return null;
  if (isAlive(listed.state) && !fits(listed.statusText, "Up ", before.startedAtMs, nowMs)) return null;
  if (hasEnded(listed.state)) {
    const exit = /^(?:Exited|Restarting) \((-?\d+)\) /.exec(listed.statusText);
    if (exit === null || Number(exit[1]) !== before.exitCode) return null;
    if (!fits(listed.statusText, exit[0], before.finishedAtMs, nowMs)) return null;
  }
  const health = healthOf(listed);
  const { name, address, ports } = listed;
  const isSame = before.name === name && before.health === health && before.address === address;
  // Most of a list is as it was: the same object says so, and costs nothing.
  return isSame && samePorts(before.ports, ports) ? before : { ...before, name, health, address, ports };
}

/** Until when, on our clock, the same entry fits the same container: what it says of its age is too old then. */
export function fitsUntilMs(container: Container, { state, statusText }: ListedContainer): number {
  if (!isAlive(state) && !hasEnded(state)) return Number.POSITIVE_INFINITY;
  const [prefix, atMs] = isAlive(state)
    ? ["Up ", container.startedAtMs]
    : [/^(?:Exited|Restarting) \(-?\d+\) /.exec(statusText)?.[0] ?? "", container.finishedAtMs];
  const range = durationRange(statusText.slice(prefix.length));
  return range === null || atMs === null ? Number.NEGATIVE_INFINITY : atMs + range[1] + toleranceMs;
}

function samePorts(one: Container["ports"], other: Container["ports"]): boolean {
  return (
    one.length === other.length &&
    one.every((port, at) => {
      const twin = other[at];
      return (
        port.container === twin?.container &&
        port.host === twin.host &&
        port.hostIp === twin.hostIp &&
        port.protocol === twin.protocol
      );
    })
  );
}

function healthOf({ state, statusText }: ListedContainer): DockerHealth {
  if (!isAlive(state)) return "none";
  if (statusText.endsWith("(healthy)")) return "healthy";
  if (statusText.endsWith("(unhealthy)")) return "unhealthy";
  return statusText.endsWith("(health: starting)") ? "starting" : "none";
}

function fits(text: string, prefix: string, atMs: number | null, nowMs: number): boolean {
  const range = text.startsWith(prefix) ? durationRange(text.slice(prefix.length)) : null;
  if (range === null || atMs === null) return false;
  const ageMs = nowMs - atMs;
  return ageMs >= range[0] - toleranceMs && ageMs < range[1] + toleranceMs;
}

/** From and until, in milliseconds, of a duration in the engine's words (Docker's `HumanDuration`). */
function durationRange(text: string): readonly [number, number] | null {
  if (text.startsWith("Less than a second")) return [0, secondMs];
  if (text.startsWith("About a minute")) return [minuteMs, 2 * minuteMs];
  if (text.startsWith("About an hour")) return [hourMs / 2, 1.5 * hourMs];
  const match = /^(\d{1,6}) (second|minute|hour|day|week|month|year)s?\b/.exec(text);
  if (match === null) return null;
  const count = Number(match[1]);
  switch (match[2]) {
    case "second":
      return [count * secondMs, (count + 1) * secondMs];
    case "minute":
      return [count * minuteMs, (count + 1) * minuteMs];
    // Hours are rounded to the nearest, and days and longer are made of those.
    case "hour":
      return [(count - 0.5) * hourMs, (count + 0.5) * hourMs];
    case "day":
      return aroundDays(count, 1);
    case "week":
      return aroundDays(count, 7);
    case "month":
      return aroundDays(count, 30);
    default:
      return aroundDays(count, 365);
  }
}

function aroundDays(count: number, days: number): readonly [number, number] {
  return [count * days * dayMs - hourMs, (count + 1) * days * dayMs + hourMs];
}
