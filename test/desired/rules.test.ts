import { describe, expect, it } from "vitest";
import { problemsOf, webFile } from "./support/load.ts";

const container = { image: "shop/web:1", ports: [{ container: 8000 }] };
const fixed = { image: "shop/web:1", ports: [{ container: 8000, host: 80 }] };

describe("across its fields, a service", () => {
  it.each<[string, unknown, string]>([
    ["needs a container on an engine", { count: 1, runtime: "engine" }, '5:18: runtime "engine" creates containers'],
    [
      "has none in Compose",
      { count: 1, runtime: "compose", container },
      "a Compose project creates its own containers",
    ],
    [
      "is created or adopted",
      { count: 1, container, adopt: { swarmService: "x" } },
      "a service with a container is created, not adopted",
    ],
    [
      "may not be without more than it has",
      { count: 1, healing: { maxUnavailable: 2 } },
      '6:27: is more than "count", which is 1',
    ],
    ["says how to check", { count: 1, health: { port: 80 } }, "5:17: does not say what to check"],
    ["is checked in one way", { count: 1, container, health: { http: "/", tcp: true } }, 'stands beside "http"'],
    [
      "is asked at a port that it has",
      { count: 1, container, health: { http: "/", port: 80 } },
      '80 is not among "container.ports" (expected 8000)',
    ],
    [
      "is not asked at a port of UDP",
      { count: 1, container: { image: "a", ports: [{ container: 53, protocol: "udp" }] }, health: { tcp: true } },
      "there is no port to ask",
    ],
    ["is asked at some port", { count: 1, health: { http: "/" } }, "there is no port to ask"],
    [
      "publishes a host port once",
      {
        count: 1,
        container: {
          image: "a",
          ports: [
            { container: 1, host: 80 },
            { container: 2, host: 80 },
          ],
        },
      },
      "host port 80 is published twice",
    ],
    [
      "joins the host's network alone",
      { count: 1, container: { image: "a", networks: ["shop", "none"] } },
      '"none" cannot be joined with others',
    ],
    [
      "runs on hosts that exist",
      { count: 1, placement: { hosts: ["h1", "h22"] } },
      '8:11: there is no host "h22" in heal.json: did you mean "h2"? (expected one of h1, h2)',
    ],
    [
      "has a host for each fixed port",
      { count: 3, container: fixed },
      "a fixed host port allows one instance per host, but 3 are wanted on 2",
    ],
    [
      "has a fixed port once per host",
      { count: 2, container: fixed, placement: { maxPerHost: 2 } },
      'but "placement.maxPerHost" is 2',
    ],
    [
      "fits on its hosts",
      { count: 5, container, placement: { maxPerHost: 2 } },
      "5 instances do not fit on 2 hosts with 2 each",
    ],
    [
      "has labels of its own",
      { count: 1, container: { image: "a", labels: { "heal.slot": "1" } } },
      '8:11: "heal.slot" is a name that is taken already',
    ],
    [
      "has no labels of Docker",
      { count: 1, container: { image: "a", labels: { "com.docker.compose.project": "x" } } },
      "is a name that is taken already",
    ],
    [
      "has metadata of its own",
      { count: 1, consul: { meta: { "heal-slot": "1" } } },
      '"heal-slot" is a name that is taken already',
    ],
    [
      "has an alert route that exists",
      { count: 1, alerts: { route: "shop-tema" } },
      'there is no alert route "shop-tema" in heal.json: did you mean "shop-team"?',
    ],
    [
      "takes values from files below heal.json",
      { count: 1, container: { image: "a", environment: { A: { file: "../a" } } } },
      '/a lies outside of /base and is not allowed (expected a file below it, or "file:/a" in policy.allow)',
    ],
    [
      "needs a master with redis",
      { count: 0, container, redis: {} },
      "4:16: a Redis service needs a master (expected at least 1)",
    ],
    [
      "has two tags with redis",
      { count: 2, container, redis: { replicaTag: "master" } },
      "master and replicas have the same tag",
    ],
    [
      "lets tags be changed with redis",
      { count: 2, container, redis: {}, consul: { tagOverride: false } },
      "the tags of a Redis service change with the roles",
    ],
    [
      "leaves the tags of roles to heal",
      { count: 2, container, redis: {}, consul: { tags: ["slave"] } },
      '"slave" is the tag of a role, which heal sets',
    ],
    [
      "can write with redis",
      { count: 2, container, redis: { minReplicasToWrite: 2 } },
      "with a count of 2 the master could never write",
    ],
    [
      "keeps the data of each node apart",
      { count: 2, container: { image: "a", volumes: ["data:/data"] }, redis: {} },
      "two instances on one host would write to the same data",
    ],
  ])("%s", async (_rule, service, problem) => {
    expect(await problemsOf(webFile(service))).toEqual([expect.stringContaining(problem)]);
  });

  it.each<[string, unknown]>([
    ["a swarm service with a container", { count: 9, runtime: "swarm", container: fixed }],
    [
      "a check at any port where none is published",
      { count: 1, container: { image: "a", networks: ["shop"] }, health: { http: "/", port: 9000 } },
    ],
    ["a TTL check without a port", { count: 1, container: { image: "a" }, health: { ttl: "30s" } }],
    ["a fixed port on as many hosts as instances", { count: 2, container: fixed }],
    [
      "the same port for TCP and UDP",
      {
        count: 1,
        container: {
          image: "a",
          ports: [
            { container: 53, host: 53 },
            { container: 53, host: 53, protocol: "udp" },
          ],
        },
      },
    ],
    ["as many instances as fit", { count: 4, container, placement: { maxPerHost: 2 } }],
    ["a single Redis node", { count: 1, container: { image: "a", volumes: ["data:/data"] }, redis: {} }],
    [
      "Redis data that is kept apart by slot",
      { count: 3, container: { image: "a", volumes: ["d-{slot}:/data", "/srv/conf:/conf:ro"] }, redis: {} },
    ],
    ["no instance at all", { count: 0, container }],
  ])("may be %s", async (_what, service) => {
    expect(await problemsOf(webFile(service))).toEqual([]);
  });

  it("tells everything that is wrong at once", async () => {
    const service = { count: 1, runtime: "engine", placement: { hosts: ["x"] }, alerts: { route: "y" } };
    expect(await problemsOf(webFile(service))).toHaveLength(3);
  });
});

describe("several services", () => {
  it("may not want one host port more often than there are hosts", async () => {
    const services = { a: { count: 1, container: fixed }, b: { count: 2, container: fixed } };
    expect(await problemsOf({ "/state/a.json": JSON.stringify({ services }) })).toEqual([
      expect.stringContaining("host port 80/tcp is wanted 3 times by several services, on 2 hosts"),
    ]);
  });

  it("may share a host port on different hosts", async () => {
    const on = (host: string) => ({ count: 1, container: fixed, placement: { hosts: [host] } });
    expect(await problemsOf({ "/state/a.json": JSON.stringify({ services: { a: on("h1"), b: on("h2") } }) })).toEqual(
      [],
    );
  });

  it("may not share the Consul name of a Redis service, or two would answer for its master", async () => {
    const services = {
      cache: { count: 1, container, redis: {} },
      web: { count: 1, container, consul: { name: "cache" } },
    };
    expect(await problemsOf({ "/state/a.json": JSON.stringify({ services }) })).toEqual([
      expect.stringContaining('"cache" is the Consul name of web too'),
    ]);
  });
});
