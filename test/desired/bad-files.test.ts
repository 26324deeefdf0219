import { describe, expect, it } from "vitest";
import { limits } from "../../src/desired/limits.ts";
import { problemsOf, webFile } from "./support/load.ts";

const fine = '{ "services": { "api": { "count": 1 } } }';

describe("a desired state with bad files", () => {
  it.each([
    ["{}", '1:1: "services" is missing here (expected an object such as { "web": { "count": 3 } })'],
    ["[]", '1:1: a list stands here (expected an object such as { "services": { "web": { "count": 3 } } })'],
    ["null", '1:1: null stands here (expected an object such as { "services": { "web": { "count": 3 } } })'],
    ['{ "services": [] }', '1:15: a list stands here (expected an object such as { "web": { "count": 3 } })'],
    [
      '{ "services": {}, "srevices": {} }',
      '1:19: unknown key "srevices": did you mean "services"? (expected one of $schema, services)',
    ],
    [
      '{ "services": { "web": { "count": 3 } }',
      "1:40: the file ends here, half-way (expected the rest of the JSON object)",
    ],
    [
      '{ "services": { "web": {}, "web": {} } }',
      '1:28: "web" is given twice in the same object (expected each key once)',
    ],
    [
      '{ "services": { "__proto__": { "count": 1 } } }',
      '1:17: "__proto__" may not be used as a name (expected any other name)',
    ],
    [
      '{ "services": { "constructor": { "count": 1 } } }',
      '1:17: "constructor" may not be used as a name (expected any other name)',
    ],
    [
      '{ "services": { "Web": { "count": 1 } } }',
      '1:17: "Web" cannot be a name here (expected lower-case letters, digits and inner hyphens, at most 63)',
    ],
    [
      '{ "services": { "a.b": { "count": 1 } } }',
      '1:17: "a.b" cannot be a name here (expected lower-case letters, digits and inner hyphens, at most 63)',
    ],
    [
      '{ "services": { "web": null } }',
      "1:24: null removes what an earlier directory sets, but none sets this (expected a value, or nothing)",
    ],
    ["", "1:1: the file is empty (expected a JSON object)"],
  ])("%s is refused: %s", async (text, problem) => {
    expect(await problemsOf({ "/state/web.json": text })).toEqual([`/state/web.json:${problem}`]);
  });

  it("is refused whole for one bad file among good ones", async () => {
    expect(await problemsOf({ "/state/a.json": fine, "/state/b.json": "{" })).toHaveLength(1);
  });

  it("tells what is wrong in every file at once", async () => {
    const problems = await problemsOf({ "/state/a.json": "{", "/state/b.json": "{}", "/state/c.json": fine });
    expect(problems.map((problem) => problem.split(":")[0])).toEqual(["/state/a.json", "/state/b.json"]);
  });

  it("names both places of a service that two files of one directory describe", async () => {
    const files = { "/state/a.json": fine, "/state/b.json": '{\n  "services": {\n    "api": { "count": 2 }\n  }\n}' };
    expect(await problemsOf(files)).toEqual([
      "/state/b.json:3:5: the same service is described in /state/a.json:1:17 (expected each service in one file of a directory)",
    ]);
  });

  it("is refused when a directory is missing, so that a bad checkout is not taken for a wish", async () => {
    expect(await problemsOf({ "/state/a.json": fine }, { desiredState: ["/state", "/live"] })).toEqual([
      "/live:1:1: does not exist (expected a directory with desired-state files)",
    ]);
  });

  it("is refused when a directory holds no file of ours", async () => {
    const files = { "/state/README.md": "", "/state/.web.json": fine, "/state/web.json~": fine };
    expect(await problemsOf(files)).toEqual([
      '/state:1:1: the directory holds no desired-state file (expected at least one *.json file; { "services": {} } asks for nothing)',
    ]);
  });

  it("is refused when a file stands where the directory should be", async () => {
    expect(await problemsOf({ "/state": fine })).toEqual([
      "/state:1:1: is not a directory (expected a directory with desired-state files)",
    ]);
  });

  it("is refused when a directory is called like a file", async () => {
    expect(await problemsOf({ "/state/a.json/b.json": fine })).toEqual([
      "/state/a.json:1:1: is a directory, not a file (expected a readable file)",
    ]);
  });

  it("is refused beyond the size that is read", async () => {
    const problems = await problemsOf({ "/state/a.json": new Uint8Array(limits.fileBytesMax + 1) });
    expect(problems).toEqual([
      expect.stringMatching(/^\/state\/a\.json:1:1: 16777217 bytes, more than the 16777216 that are read/),
    ]);
  });

  it("tells at most a hundred problems", async () => {
    const services = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`s${index}`, { count: -1 }]));
    expect(await problemsOf({ "/state/a.json": JSON.stringify({ services }) })).toHaveLength(limits.problemsMax);
  });

  it("is refused beyond the number of services", async () => {
    const names = Array.from({ length: limits.servicesMax + 1 }, (_, index) => [`s${index}`, { count: 0 }]);
    const text = JSON.stringify({ services: Object.fromEntries(names) });
    expect(await problemsOf({ "/state/a.json": text })).toEqual([expect.stringContaining("has too many keys")]);
  });
});

describe("a service with a wrong value", () => {
  it.each<[unknown, string]>([
    [{}, '3:12: "count" is missing here (expected a whole number from 0 to 10000)'],
    [3, '3:12: a number stands here (expected an object such as { "count": 3 })'],
    [{ count: "3" }, "4:16: text stands here (expected a whole number from 0 to 10000)"],
    [{ count: 1.5 }, "4:16: a number stands here (expected a whole number from 0 to 10000)"],
    [{ count: -1 }, "4:16: -1 is not usable here (expected a whole number from 0 to 10000)"],
    [{ count: 10_001 }, "4:16: 10001 is not usable here (expected a whole number from 0 to 10000)"],
    [{ count: null }, "4:16: null stands here (expected a whole number from 0 to 10000)"],
    [
      { count: 1, runtime: "swram" },
      '5:18: "swram" is not known here: did you mean "swarm"? (expected one of "engine", "compose", "swarm")',
    ],
    [
      { count: 1, surplus: { after: "60" } },
      '6:18: "60" is not usable here (expected a duration from 0s to 30d, such as 1m)',
    ],
    [
      { count: 1, healing: { lostAfter: "8d" } },
      '6:22: "8d" is not usable here (expected a duration from 1s to 7d, such as 30s)',
    ],
    [{ count: 1, consul: { tags: ["a", "b", "a"] } }, "9:11: stands in this list twice (expected each once)"],
    [{ count: 1, consul: { tags: ["a\nb"] } }, '7:11: "a\\nb" is not usable here (expected text of one line)'],
  ])("%j is refused: %s", async (service, problem) => {
    expect(await problemsOf(webFile(service))).toEqual([`/state/web.json:${problem}`]);
  });

  // Found by fuzzing: comparing two such objects called what their keys hold.
  it("is refused with objects in a list of texts that have keys of JavaScript", async () => {
    const tags = [
      { toString: 1, valueOf: 2 },
      { toString: 1, valueOf: 2 },
    ];
    const problems = await problemsOf(webFile({ count: 1, consul: { tags } }));
    expect(problems).toEqual([
      expect.stringContaining("an object stands here"),
      expect.stringContaining("an object stands here"),
    ]);
  });

  it.each<[unknown, string]>([
    [{ image: "a b" }, '"a b" is not usable here (expected an image such as shop/web:1.4.2)'],
    [{ image: "a", command: "serve --port 8000" }, "text stands here (expected a list of text)"],
    [{ image: "a", environment: { PORT: 8000 } }, "a number stands here (expected text, or one of"],
    [{ image: "a", environment: { A: { file: "a", env: "B" } } }, "has too many keys (expected one of"],
    [{ image: "a", environment: { A: {} } }, "has too few keys (expected one of"],
    [{ image: "a", environment: { "A=B": "x" } }, '"A=B" cannot be a name here (expected a variable\'s name'],
    [{ image: "a", volumes: ["data"] }, '"data" is not usable here (expected text such as'],
    [{ image: "a", volumes: ["./data:/data"] }, '"./data:/data" is not usable here'],
    [{ image: "a", volumes: ["data-{slto}:/data"] }, '"data-{slto}:/data" is not usable here'],
    [
      { image: "a", ports: [{ container: 70_000 }] },
      "70000 is not usable here (expected a whole number from 1 to 65535)",
    ],
    [
      { image: "a", resources: { memory: "1GB", cpus: 0 } },
      "0 is not usable here (expected a number from 0.01 to 1024)",
    ],
    [{ image: "a", devices: ["/dev/sda"] }, 'unknown key "devices"'],
    [{ image: "a", restart: "allways" }, 'did you mean "always"?'],
    [{ image: "a", stopGrace: 10 }, "a number stands here (expected a duration from 0s to 1h, such as 10s)"],
    [{}, '"image" is missing here (expected an image such as shop/web:1.4.2)'],
  ])("container %j is refused: %s", async (container, problem) => {
    expect(await problemsOf(webFile({ count: 1, container }))).toEqual([expect.stringContaining(problem)]);
  });
});
