import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UnreadableAnswer } from "../../../src/adapters/answer.ts";
import { EngineClock } from "../../../src/adapters/docker/engine-clock.ts";
import { parseInspected, parseListed } from "../../../src/adapters/docker/parse-container.ts";
import { parseEvent } from "../../../src/adapters/docker/parse-event.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import { id, inspected, labels, listed } from "./answers.ts";
import { property } from "../../support/property.ts";

const clock = new EngineClock({ steadyMs: () => 0 } as Clock);
const inspect = (changes: object) => parseInspected({ ...inspected, ...changes }, "h1", clock);

describe("an inspection", () => {
  it("gives the container as the model has it", () => {
    expect(inspect({})).toEqual({
      id,
      name: "heal.live.web.3.2",
      host: "h1",
      service: "web",
      slot: 3,
      generation: 2,
      specHash: "abc",
      compose: null,
      swarmTaskId: null,
      swarmServiceName: null,
      state: "running",
      health: "healthy",
      exitCode: null,
      createdAtMs: Date.parse("2026-07-25T17:20:00.123Z"),
      startedAtMs: Date.parse("2026-07-25T17:20:01.500Z"),
      finishedAtMs: null,
      restartsItself: true,
      address: "172.17.0.2",
      ports: [
        { container: 8_080, host: 32_768, hostIp: "0.0.0.0", protocol: "tcp" },
        { container: 8_080, host: 32_768, hostIp: "::", protocol: "tcp" },
      ],
    });
  });

  it("tells the end of what has ended, and no health of it", () => {
    const State = { ...inspected.State, Status: "exited", ExitCode: 137, FinishedAt: "2026-07-25T18:00:00Z" };
    expect(inspect({ State })).toMatchObject({
      state: "exited",
      health: "none",
      exitCode: 137,
      finishedAtMs: Date.parse("2026-07-25T18:00:00Z"),
    });
  });

  it("knows no start of what never started", () => {
    const never = "0001-01-01T00:00:00Z";
    const State = { Status: "created", ExitCode: 0, StartedAt: never, FinishedAt: never };
    expect(inspect({ State })).toMatchObject({
      state: "created",
      startedAtMs: null,
      finishedAtMs: null,
      exitCode: null,
    });
  });

  it.each([
    ["", false],
    ["no", false],
    ["on-failure", true],
    ["always", true],
    ["unless-stopped", true],
  ])("takes restart policy %j for restarting itself: %s", (Name, restartsItself) => {
    expect(inspect({ HostConfig: { ...inspected.HostConfig, RestartPolicy: { Name } } })).toMatchObject({
      restartsItself,
    });
  });

  it("takes the address from the network the container was created in", () => {
    const Networks = {
      abc: { IPAddress: "10.0.0.1" },
      shop: { IPAddress: "10.0.9.1" },
      zoo: { IPAddress: "10.0.0.2" },
    };
    const address = (NetworkMode: string) =>
      inspect({ HostConfig: { ...inspected.HostConfig, NetworkMode }, NetworkSettings: { Networks } }).address;
    expect(address("shop")).toBe("10.0.9.1");
    expect(address("gone")).toBe("10.0.0.1");
    expect(inspect({ NetworkSettings: { Networks: { host: { IPAddress: "" } } } }).address).toBeNull();
    expect(inspect({ NetworkSettings: { Networks: null } }).address).toBeNull();
  });

  it("knows Compose's and Swarm's containers, and that a one-off is no instance", () => {
    const compose = {
      "com.docker.compose.project": "shop",
      "com.docker.compose.service": "web",
      "com.docker.compose.container-number": "2",
      "com.docker.compose.project.working_dir": "/srv/shop",
      "com.docker.compose.project.config_files": "a.yml,b.yml",
    };
    expect(inspect({ Config: { Labels: compose } })).toMatchObject({
      service: null,
      slot: null,
      compose: {
        project: "shop",
        service: "web",
        number: 2,
        workingDirectory: "/srv/shop",
        configFiles: ["a.yml", "b.yml"],
      },
    });
    const oneOff = { ...compose, "com.docker.compose.oneoff": "True" };
    expect(inspect({ Config: { Labels: oneOff } }).compose).toBeNull();
    const swarm = { "com.docker.swarm.task.id": "t1", "com.docker.swarm.service.name": "web" };
    expect(inspect({ Config: { Labels: swarm } })).toMatchObject({ swarmTaskId: "t1", swarmServiceName: "web" });
  });

  it("takes no number from a label that holds none", () => {
    const slots = ["", "x", "-1", "1.5", "1e3", "99999999999999999999"];
    for (const slot of slots) {
      expect(inspect({ Config: { Labels: { ...labels, "heal.slot": slot } } }).slot).toBeNull();
    }
  });
});

describe("a list entry", () => {
  it("gives the same name, address and ports as the inspection", () => {
    const { name, address, ports } = inspect({});
    expect(parseListed(listed, "entry")).toMatchObject({ name, address, ports });
  });

  it("has its own name among those that links gave it", () => {
    expect(parseListed({ ...listed, Names: ["/other/alias", "/web"] }, "entry").name).toBe("web");
    expect(parseListed({ ...listed, Names: [] }, "entry").name).toBe(id.slice(0, 12));
  });
});

/** Any JSON, and real answers with any JSON in one place. */
const bent = (answer: object): fc.Arbitrary<unknown> =>
  fc.oneof(
    fc.jsonValue(),
    fc
      .tuple(fc.constantFrom(...Object.keys(answer)), fc.jsonValue())
      .map(([key, value]) => ({ ...answer, [key]: value })),
  );

describe("answers bent at random", () => {
  const event = {
    Type: "container",
    Action: "die",
    Actor: { ID: id, Attributes: labels },
    time: 1,
    timeNano: 1_000_000_000,
  };

  property([bent(listed), bent(inspected), bent(event)], { numRuns: 500 })(
    "are read or called unreadable, and never anything else",
    (listing, inspection, happening) => {
      const reads = [
        () => parseListed(listing, "entry"),
        () => parseInspected(inspection, "h1", clock),
        () => parseEvent(happening, clock),
      ];
      for (const read of reads) {
        try {
          read();
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableAnswer);
        }
      }
    },
  );
});
