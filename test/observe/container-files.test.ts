import { describe, expect, it } from "vitest";
import type { Container } from "../../src/model/instance.ts";
import { openContainerFiles } from "../../src/observe/container-files.ts";
import { aService } from "../builders/service.ts";
import { anInstance, T0 } from "../builders/world.ts";

function aContainer(id: string, changes: Partial<Container> = {}, service = "web"): Container {
  return anInstance(aService(service), 1, T0, { container: { id, name: id, ...changes } }).container;
}

const web = "service web";

function ids(
  files: ReturnType<typeof openContainerFiles>,
  key: "service web" | "service api" = web,
): readonly string[] {
  return files.under(key).map(({ id }) => id);
}

describe("the filed containers of an engine", () => {
  it("are found by whom they concern, and by id", () => {
    const files = openContainerFiles();
    files.put(aContainer("c1"));
    files.put(aContainer("c2", {}, "api"));
    expect(ids(files)).toEqual(["c1"]);
    expect(ids(files, "service api")).toEqual(["c2"]);
    expect(files.find("c2")?.service).toBe("api");
    expect(files.find("c3")).toBeNull();
  });

  it("are counted while they run", () => {
    const files = openContainerFiles();
    files.put(aContainer("c1"));
    files.put(aContainer("c2"));
    expect(files.running()).toBe(2);
    files.put(aContainer("c2", { state: "exited" }));
    expect(files.running()).toBe(1);
    files.remove("c1");
    expect(files.running()).toBe(0);
    files.listed(files.begin(), [aContainer("c1"), aContainer("c3"), aContainer("c4", { state: "created" })], null);
    expect(files.running()).toBe(2);
  });

  it("are as the last whole list says, also when it is the same as before and something was told in between", () => {
    const files = openContainerFiles();
    const list = [aContainer("c1"), aContainer("c2")];
    files.listed(files.begin(), list, null);
    files.listed(files.begin(), list, null);
    expect(ids(files)).toEqual(["c1", "c2"]);
    files.remove("c2");
    expect(ids(files)).toEqual(["c1"]);
    files.listed(files.begin(), list, null);
    expect(ids(files)).toEqual(["c1", "c2"]);
    files.put(aContainer("c3"));
    files.listed(files.begin(), list, null);
    expect(ids(files)).toEqual(["c1", "c2"]);
  });

  it("are covered by a list that says the same as the one before", () => {
    const files = openContainerFiles();
    const list = [aContainer("c1")];
    files.listed(files.begin(), list, null);
    const earlier = files.begin();
    files.listed(files.begin(), list, null);
    expect(files.inspected(earlier, "c1", null)).toBeNull();
    expect(ids(files)).toEqual(["c1"]);
  });

  it("tell whose they were when they are removed", () => {
    const files = openContainerFiles();
    files.put(aContainer("c1"));
    expect(files.remove("c1")).toBe(web);
    expect(files.remove("c1")).toBeNull();
  });

  it("tell under which keys there are any, and when the last of them is gone", () => {
    const told: string[] = [];
    const files = openContainerFiles((key, holds) => void told.push(`${key} ${holds}`));
    files.put(aContainer("c1"));
    files.put(aContainer("c2"));
    files.put(aContainer("c1", { state: "exited" }));
    files.remove("c1");
    expect(told).toEqual(["service web true"]);
    files.put(aContainer("c2", { service: "api" }));
    expect(told.slice(1)).toEqual(["service web false", "service api true"]);
    files.listed(files.begin(), [], null);
    expect(told.at(-1)).toBe("service api false");
  });

  it("leave out what concerns nobody", () => {
    const files = openContainerFiles();
    expect(files.put(aContainer("c1", { service: null }))).toBeNull();
    files.listed(files.begin(), [aContainer("c2", { service: null })], null);
    expect(files.find("c1") ?? files.find("c2")).toBeNull();
  });

  it("move when they concern somebody else", () => {
    const files = openContainerFiles();
    files.put(aContainer("c1"));
    files.put(aContainer("c1", { service: "api" }));
    expect(ids(files)).toEqual([]);
    expect(ids(files, "service api")).toEqual(["c1"]);
  });

  describe("and a list", () => {
    it("replaces everything, or only what it was asked for", () => {
      const files = openContainerFiles();
      files.put(aContainer("c1"));
      files.put(aContainer("c2", {}, "api"));
      files.listed(files.begin(), [aContainer("c3")], [web]);
      expect(ids(files)).toEqual(["c3"]);
      expect(ids(files, "service api")).toEqual(["c2"]);
      files.listed(files.begin(), [aContainer("c4")], null);
      expect(ids(files)).toEqual(["c4"]);
      expect(ids(files, "service api")).toEqual([]);
    });

    it("does not bring back what was removed while it was under way", () => {
      const files = openContainerFiles();
      files.put(aContainer("c1"));
      const look = files.begin();
      files.remove("c1");
      files.listed(look, [aContainer("c1")], null);
      expect(ids(files)).toEqual([]);
    });

    it("does not bring back what was removed before anybody knew of it", () => {
      const files = openContainerFiles();
      const look = files.begin();
      files.remove("c1");
      files.listed(look, [aContainer("c1")], null);
      expect(ids(files)).toEqual([]);
    });

    it("does not lose what was started while it was under way", () => {
      const files = openContainerFiles();
      const look = files.begin();
      files.put(aContainer("c1"));
      files.listed(look, [], null);
      expect(ids(files)).toEqual(["c1"]);
    });

    it("does not make run again what died while it was under way", () => {
      const files = openContainerFiles();
      files.put(aContainer("c1"));
      const look = files.begin();
      files.put(aContainer("c1", { state: "exited" }));
      files.listed(look, [aContainer("c1")], null);
      expect(files.find("c1")?.state).toBe("exited");
    });

    it("that was begun earlier does not undo one that was begun later", () => {
      const files = openContainerFiles();
      const early = files.begin();
      const late = files.begin();
      files.listed(late, [aContainer("c2")], [web]);
      files.listed(early, [aContainer("c1"), aContainer("c3", {}, "api")], null);
      expect(ids(files)).toEqual(["c2"]);
      expect(ids(files, "service api")).toEqual(["c3"]);
    });

    it("that was begun later is believed whatever was told before it", () => {
      const files = openContainerFiles();
      files.put(aContainer("c1", { state: "paused" }));
      files.listed(files.begin(), [aContainer("c1")], null);
      expect(files.find("c1")?.state).toBe("running");
    });

    it("that calls running what an event told the death of leaves that to be inspected", () => {
      const files = openContainerFiles();
      files.put(aContainer("c1", { state: "exited" }));
      expect(files.listed(files.begin(), [aContainer("c1")], null)).toEqual(["c1"]);
      expect(files.find("c1")?.state).toBe("exited");
      files.inspected(files.begin(), "c1", aContainer("c1"));
      expect(files.find("c1")?.state).toBe("running");
    });
  });

  describe("and an inspection", () => {
    it("is believed when nothing newer is known", () => {
      const files = openContainerFiles();
      expect(files.inspected(files.begin(), "c1", aContainer("c1"))).toBe(web);
      expect(ids(files)).toEqual(["c1"]);
      expect(files.inspected(files.begin(), "c1", null)).toBe(web);
      expect(ids(files)).toEqual([]);
    });

    it("does not undo a death that was told meanwhile", () => {
      const files = openContainerFiles();
      files.put(aContainer("c1"));
      const look = files.begin();
      files.put(aContainer("c1", { state: "exited" }));
      expect(files.inspected(look, "c1", aContainer("c1"))).toBeNull();
      expect(files.find("c1")?.state).toBe("exited");
    });

    it("does not bring back what was removed meanwhile", () => {
      const files = openContainerFiles();
      const look = files.begin();
      files.remove("c1");
      files.inspected(look, "c1", aContainer("c1"));
      expect(files.find("c1")).toBeNull();
    });

    it("does not undo a list that was begun later", () => {
      const files = openContainerFiles();
      const look = files.begin();
      files.listed(files.begin(), [], null);
      files.inspected(look, "c1", aContainer("c1"));
      expect(files.find("c1")).toBeNull();
    });

    it("is undone by no list that was begun earlier", () => {
      const files = openContainerFiles();
      const early = files.begin();
      files.inspected(files.begin(), "c1", aContainer("c1"));
      files.listed(early, [], null);
      expect(files.find("c1")).not.toBeNull();
    });
  });
});
