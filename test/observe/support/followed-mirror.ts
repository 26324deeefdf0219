import { onTestFinished } from "vitest";
import type { Container } from "../../../src/model/instance.ts";
import { openHostMirror } from "../../../src/observe/host-mirror.ts";
import type { ContainerFilter } from "../../../src/ports/engine.ts";
import { aService } from "../../builders/service.ts";
import { anInstance, T0 } from "../../builders/world.ts";
import { fakeClock } from "../../loop/support/fake-clock.ts";
import type { Stream } from "./scripted-engine.ts";
import { scriptedEngine } from "./scripted-engine.ts";

export function aContainer(id: string, changes: Partial<Container> = {}): Container {
  return anInstance(aService("web"), 1, T0, { container: { id, name: id, ...changes } }).container;
}

export const everything: ContainerFilter = {
  environment: "live",
  service: null,
  composeProjects: ["shop"],
  swarmServices: [],
};

export function open() {
  const clock = fakeClock();
  const script = scriptedEngine();
  const changes: (string | null)[] = [];
  const mirror = openHostMirror({
    engine: script.engine,
    clock,
    filter: () => everything,
    onChange: (key) => void changes.push(key),
  });
  const states = (): Record<string, string> =>
    Object.fromEntries(mirror.containers("service web").map(({ id, state }) => [id, state]));
  return { clock, script, changes, mirror, states };
}

/** A mirror that follows, with its stream open and everything listed. */
export async function following(...containers: readonly Container[]) {
  const opened = open();
  const { script, mirror, clock, changes } = opened;
  for (const container of containers) script.there.set(container.id, container);
  const stop = new AbortController();
  const followed = mirror.follow(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await followed;
  });
  streamOf(opened).open();
  await clock.settle();
  changes.length = 0;
  script.asked.length = 0;
  return opened;
}

export function streamOf({ script }: ReturnType<typeof open>): Stream {
  const stream = script.stream();
  if (stream === null) throw new Error("nothing is followed");
  return stream;
}
