import { describe, expect, it } from "vitest";
import { openSwarmMirror } from "../../src/observe/swarm-mirror.ts";
import type { Swarm, SwarmNode } from "../../src/ports/swarm.ts";
import { fakeClock } from "../loop/support/fake-clock.ts";

const down = [{ id: "n1", name: "h1", state: "down" }] as unknown as readonly SwarmNode[];

function opened() {
  const clock = fakeClock();
  const asked: ((nodes: readonly SwarmNode[]) => void)[] = [];
  const swarm = { nodes: () => new Promise((resolve) => void asked.push(resolve)) } as Partial<Swarm> as Swarm;
  return { clock, asked, mirror: openSwarmMirror(swarm, clock) };
}

describe("what Swarm says of its nodes", () => {
  it("is unknown while the managers take longer than a second, so that no pass waits for them", async () => {
    const { clock, mirror } = opened();
    const answer = mirror.nodes();
    await clock.advance(1_000);
    expect(await answer).toEqual({ kind: "unknown", reason: "the Swarm managers have not answered within 1000 ms" });
  });

  it("is asked for once at a time, and believed when it comes late", async () => {
    const { clock, asked, mirror } = opened();
    const answers = [mirror.nodes(), mirror.nodes()];
    await clock.advance(1_000);
    await Promise.all(answers);
    const later = mirror.nodes();
    expect(asked).toHaveLength(1);
    asked[0]?.(down);
    expect(await later).toMatchObject({ kind: "known", value: down });
    expect(await mirror.nodes()).toMatchObject({ kind: "known", value: down });
    expect(asked).toHaveLength(1);
  });

  it("is asked for anew after a hint, though an older question is still open", async () => {
    const { asked, mirror } = opened();
    void mirror.nodes();
    mirror.invalidate(null);
    const after = mirror.nodes();
    expect(asked).toHaveLength(2);
    asked[0]?.([]);
    asked[1]?.(down);
    expect(await after).toMatchObject({ kind: "known", value: down });
    expect(await mirror.nodes()).toMatchObject({ kind: "known", value: down });
  });
});
