import { expect, it } from "vitest";
import type { Log, LogData } from "../../src/ports/log.ts";
import { openBoard } from "../../src/report/board.ts";
import { openReporter } from "../../src/report/reporter.ts";
import { aWorld } from "../builders/world.ts";
import { fakeClock } from "../loop/support/fake-clock.ts";

it("a status is noted when it differs from what was noted last, by whichever process", () => {
  const board = openBoard("live");
  const short = aWorld().withService("web", { count: 1 });
  const well = short.withInstance("web", 1);
  const silent = (_data: LogData): void => undefined;
  const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
  const look = (world: typeof short): void =>
    openReporter({ board, clock: fakeClock(), log, listeners: [] }).decided({
      desired: world.desired(),
      observed: world.observation(),
      plan: world.plan().plan,
      memory: world.memory(),
    });
  for (const world of [short, short, well, well]) look(world);
  expect(board.history("web").map(({ what }) => what)).toEqual(["critical", "critical → passing"]);
});
