import { describe, expect, it } from "vitest";
import { anyOf, type Manager } from "../../../src/adapters/swarm/managers.ts";
import { openSwarm } from "../../../src/adapters/swarm/open-swarm.ts";
import { EngineError } from "../../../src/ports/engine.ts";

const noManager = new EngineError(
  "refused",
  "h: could not list: This node is not a swarm manager. Use docker swarm init.",
);
const unreachable = new EngineError("unreachable", "no route");
const unclear = new EngineError("unclear", "no answer");
const refused = new EngineError("refused", "no such service");

/** Managers that give their name, or fail; `asked` says in which order they were. */
function aFleet(...outcomes: (EngineError | "answers")[]): {
  managers: Manager[];
  asked: string[];
  outcomes: (EngineError | "answers")[];
} {
  const asked: string[] = [];
  const managers = outcomes.map((_, index): Manager => {
    const host = `h${index + 1}`;
    const act = async (): Promise<void> => {
      asked.push(host);
      const outcome = outcomes[index];
      if (outcome instanceof EngineError) throw outcome;
    };
    return { host, call: async () => (await act(), host as never), follow: act };
  });
  return { managers, asked, outcomes };
}

const ask = (manager: Manager): Promise<string> => manager.call("ask", 1, async () => "");
const failure = (doing: Promise<unknown>): Promise<unknown> =>
  doing.then(
    () => "no failure",
    (error: unknown) => error,
  );

describe("the managers of a Swarm", () => {
  it("are asked one after the other until one answers, which is then asked first", async () => {
    const { managers, asked } = aFleet(noManager, unreachable, "answers");
    const any = anyOf(managers);
    expect(await any.read(ask)).toBe("h3");
    expect(await any.read(ask)).toBe("h3");
    expect(asked).toEqual(["h1", "h2", "h3", "h3"]);
  });

  it("may all be asked the same question, also when one gave no answer", async () => {
    const { managers } = aFleet(unclear, "answers");
    expect(await anyOf(managers).read(ask)).toBe("h2");
  });

  it("are not told to do again what one of them may have done", async () => {
    const { managers, asked } = aFleet(unclear, "answers");
    expect(await failure(anyOf(managers).write(ask))).toBe(unclear);
    expect(asked).toEqual(["h1"]);
    expect(await anyOf(aFleet(unreachable, noManager, "answers").managers).write(ask)).toBe("h3");
  });

  it("are believed when one of them says no", async () => {
    const { managers, asked } = aFleet(refused, "answers");
    expect(await failure(anyOf(managers).read(ask))).toBe(refused);
    expect(asked).toEqual(["h1"]);
  });

  it("are blamed for silence rather than for being none", async () => {
    expect(await failure(anyOf(aFleet(unreachable, noManager).managers).read(ask))).toBe(unreachable);
    expect(await failure(anyOf(aFleet(noManager).managers).read(ask))).toMatchObject({
      kind: "unreachable",
      message: "no engine of the environment is a Swarm manager",
    });
    expect(await failure(anyOf([]).read(ask))).toMatchObject({ kind: "unreachable" });
  });

  it("do not take over a broken event stream in silence", async () => {
    const { managers, asked } = aFleet(unclear, "answers");
    const following = openSwarm(managers).follow(
      new AbortController().signal,
      () => undefined,
      () => undefined,
    );
    expect(await failure(following)).toBe(unclear);
    expect(asked).toEqual(["h1"]);
  });
});
