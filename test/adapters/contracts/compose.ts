import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Compose, ComposeProject } from "../../../src/ports/compose.ts";
import type { EngineError } from "../../../src/ports/engine.ts";

export interface ComposeUnderTest {
  readonly compose: Compose;
  /**
   * Starts a project with one container of each service but `built`:
   * `web` (nothing fixed), `other` (nothing fixed), `named` (container_name), `fixed` (host port), `built` (no image).
   */
  start(name: string): Promise<ComposeProject>;
  /** Ids of the service's containers that run. */
  running(project: ComposeProject, service: string): Promise<readonly string[]>;
  /** Changes the project's files so that a recreation of `web` would be due. */
  editFiles(project: ComposeProject): Promise<void>;
  close(): Promise<void>;
}

/** Registers the tests that every `Compose` passes. */
export function composeContract(kind: string, open: () => Promise<ComposeUnderTest>): void {
  describe(`${kind} as Compose`, () => {
    const run = Math.random().toString(36).slice(2, 8);
    let under: ComposeUnderTest;
    let project: ComposeProject;

    beforeAll(async () => {
      under = await open();
      project = await under.start(`contract${run}`);
    });
    afterAll(() => under.close());

    const failure = (doing: Promise<unknown>): Promise<string> =>
      doing.then(
        () => "no failure",
        (error: EngineError) => error.kind,
      );

    describe("describe", () => {
      it("names the project's services, and finds nothing against scaling an ordinary one", async () => {
        const { services, unscalable } = await under.compose.describe(project, "web");
        expect([...services].sort()).toEqual(["built", "fixed", "named", "other", "web"]);
        expect(unscalable).toBeNull();
      });

      it.each([
        ["built", "image"],
        ["named", "container_name"],
        ["fixed", "host port"],
        ["absent", "no service absent"],
      ])("says why %s cannot be scaled", async (service, reason) => {
        expect((await under.compose.describe(project, service)).unscalable).toContain(reason);
      });
    });

    describe("scale", () => {
      it("adds and takes away containers, and leaves those that stay untouched", async () => {
        const [first, other] = [await under.running(project, "web"), await under.running(project, "other")];
        expect([first.length, other.length]).toEqual([1, 1]);
        await under.compose.scale(project, "web", 3);
        const three = await under.running(project, "web");
        expect(three).toHaveLength(3);
        expect(three).toContain(first[0]);
        await under.compose.scale(project, "web", 2);
        const two = await under.running(project, "web");
        expect(two).toHaveLength(2);
        expect(two.every((id) => three.includes(id))).toBe(true);
        expect(await under.running(project, "other")).toEqual(other);
      });

      it("does not recreate what was started from older files", async () => {
        await under.compose.scale(project, "web", 1);
        const [first] = await under.running(project, "web");
        await under.editFiles(project);
        await under.compose.scale(project, "web", 2);
        expect(await under.running(project, "web")).toContain(first);
      });

      it("changes nothing when there are as many as asked for", async () => {
        await under.compose.scale(project, "web", 2);
        const before = await under.running(project, "web");
        await under.compose.scale(project, "web", 2);
        expect(await under.running(project, "web")).toEqual(before);
      });

      it("fails for a service that the project does not have", async () => {
        expect(await failure(under.compose.scale(project, "absent", 2))).not.toBe("no failure");
      });
    });

    it("is refused where the project's directory is not", async () => {
      const elsewhere = { ...project, workingDirectory: `${project.workingDirectory}-that-is-not-there` };
      expect(await failure(under.compose.describe(elsewhere, "web"))).toBe("refused");
      expect(await failure(under.compose.scale(elsewhere, "web", 2))).toBe("refused");
    });
  });
}
