import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UnreadableAnswer } from "../../../src/adapters/answer.ts";
import { parseNode, parseService, parseTask } from "../../../src/adapters/swarm/parse-swarm.ts";
import { property } from "../../support/property.ts";

const service = {
  ID: "s1",
  Version: { Index: 42 },
  Spec: { Name: "web", Labels: { a: "b" }, Mode: { Replicated: { Replicas: 3 } } },
  UpdateStatus: { State: "completed" },
};
const node = {
  ID: "n1",
  Spec: { Availability: "active" },
  Description: { Hostname: "h1" },
  Status: { State: "ready", Addr: "192.0.2.1" },
};
const task = {
  ID: "t1",
  NodeID: "n1",
  Status: { State: "running", ContainerStatus: { ContainerID: "c1" } },
  DesiredState: "running",
};

describe("a Swarm's answers", () => {
  it("give services as the port has them", () => {
    const expected = {
      id: "s1",
      name: "web",
      version: 42,
      mode: "replicated",
      replicas: 3,
      labels: { a: "b" },
      updating: false,
    };
    expect(parseService(service, "service")).toEqual(expected);
    const withMode = (Mode: object) => parseService({ ...service, Spec: { ...service.Spec, Mode } }, "service");
    expect(withMode({ Global: {} })).toMatchObject({ mode: "global" });
    expect(withMode({ Replicated: {} })).toMatchObject({ replicas: 1 });
    expect(withMode({ ReplicatedJob: {} })).toBeNull();
    expect(() => withMode({ Quantum: {} })).toThrow(UnreadableAnswer);
  });

  it.each([
    ["updating", true],
    ["rollback_started", true],
    ["paused", false],
    ["completed", false],
    ["rollback_completed", false],
  ])("take an update that is %s for going on: %s", (State, updating) => {
    expect(parseService({ ...service, UpdateStatus: { State } }, "service")).toMatchObject({ updating });
  });

  it.each([
    ["ready", "ready"],
    ["down", "down"],
    ["disconnected", "down"],
    ["unknown", "ready"],
  ])("call a node that is %s %s: only what is known to be down is down", (State, state) => {
    expect(parseNode({ ...node, Status: { ...node.Status, State } }, "node")).toMatchObject({ state, hostname: "h1" });
  });

  it("give tasks that have no node and no container yet", () => {
    expect(parseTask(task, "task")).toEqual({
      id: "t1",
      nodeId: "n1",
      state: "running",
      desiredState: "running",
      containerId: "c1",
    });
    const waiting = { ID: "t1", Status: { State: "pending" }, DesiredState: "running" };
    expect(parseTask(waiting, "task")).toMatchObject({ nodeId: null, containerId: null, state: "pending" });
  });

  const bent = (answer: object): fc.Arbitrary<unknown> =>
    fc.oneof(
      fc.jsonValue(),
      fc
        .tuple(fc.constantFrom(...Object.keys(answer)), fc.jsonValue())
        .map(([key, value]) => ({ ...answer, [key]: value })),
    );

  property([bent(service), bent(node), bent(task)], { numRuns: 500 })(
    "are read or called unreadable, whatever they hold",
    (...answers) => {
      [parseService, parseNode, parseTask].forEach((parse, index) => {
        try {
          parse(answers[index], "answer");
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableAnswer);
        }
      });
    },
  );
});
