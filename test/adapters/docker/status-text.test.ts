import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Container } from "../../../src/model/instance.ts";
import { EngineClock } from "../../../src/adapters/docker/engine-clock.ts";
import { type ListedContainer, parseInspected, parseListed } from "../../../src/adapters/docker/parse-container.ts";
import { refresh } from "../../../src/adapters/docker/status-text.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import { inspected, listed } from "./answers.ts";
import { property } from "../../support/property.ts";

const startedAtMs = Date.parse(inspected.State.StartedAt);
const clock = new EngineClock({ steadyMs: () => startedAtMs } as Clock);
const before = parseInspected(inspected, "h1", clock);
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

const entry = (Status: string, State = "running"): ListedContainer =>
  parseListed({ ...listed, Status, State }, "entry");
const ended = (exitCode: number, finishedAtMs: number): Container => ({
  ...before,
  state: "exited",
  health: "none",
  exitCode,
  finishedAtMs,
});

/** How Docker's engine words a duration (go-units, `HumanDuration`). */
function inDockersWords(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const minutes = Math.floor(ms / minuteMs);
  const hours = Math.floor(ms / hourMs + 0.5);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}

describe("a list entry of a container inspected before", () => {
  it("gives the same picture as the inspection while nothing has changed", () => {
    expect(refresh(before, entry("Up 5 minutes (healthy)"), startedAtMs + 5.5 * minuteMs)).toEqual(before);
  });

  it.each([
    ["Up 5 minutes", "none"],
    ["Up 5 minutes (healthy)", "healthy"],
    ["Up 5 minutes (unhealthy)", "unhealthy"],
    ["Up 5 minutes (health: starting)", "starting"],
  ])("%s has health %s", (text, health) => {
    expect(refresh(before, entry(text), startedAtMs + 5 * minuteMs)?.health).toBe(health);
  });

  it.each([
    ["was restarted since", "Up 4 seconds (healthy)", 5 * hourMs],
    ["was restarted within minutes", "Up 2 minutes", 20 * minuteMs],
    ["tells its age in words unknown", "Up for ages", 5 * minuteMs],
    ["tells nothing", "", 5 * minuteMs],
  ])("is inspected again when it %s", (_name, text, ageMs) => {
    expect(refresh(before, entry(text), startedAtMs + ageMs)).toBeNull();
  });

  it("is inspected again when its state is another, and always while it is paused", () => {
    const nowMs = startedAtMs + 5 * minuteMs;
    expect(refresh(before, entry("Exited (0) 5 minutes ago", "exited"), nowMs)).toBeNull();
    expect(refresh({ ...before, state: "paused" }, entry("Up 5 minutes (Paused)", "paused"), nowMs)).toBeNull();
  });

  it("that has ended is held against its exit code and end", () => {
    const nowMs = startedAtMs + dayMs;
    const container = ended(137, nowMs - 3 * minuteMs);
    expect(refresh(container, entry("Exited (137) 3 minutes ago", "exited"), nowMs)).not.toBeNull();
    expect(refresh(container, entry("Exited (1) 3 minutes ago", "exited"), nowMs)).toBeNull();
    expect(refresh(container, entry("Exited (137) 2 seconds ago", "exited"), nowMs)).toBeNull();
    expect(refresh(container, entry("Exited", "exited"), nowMs)).toBeNull();
  });

  property([fc.integer({ min: 0, max: 4 * 365 * 24 * 3_600 })])(
    "fits whatever its age, as long as it is the same start",
    (seconds) => {
      const ageMs = seconds * 1_000;
      expect(refresh(before, entry(`Up ${inDockersWords(ageMs)}`), startedAtMs + ageMs)).not.toBeNull();
    },
  );

  property([fc.integer({ min: 0, max: 50 }), fc.integer({ min: 120, max: 4 * 365 * 24 * 3_600 })])(
    "does not fit when the container was started anew within the last minute",
    (age, ageBefore) => {
      const nowMs = startedAtMs + ageBefore * 1_000;
      expect(refresh(before, entry(`Up ${inDockersWords(age * 1_000)}`), nowMs)).toBeNull();
    },
  );
});
