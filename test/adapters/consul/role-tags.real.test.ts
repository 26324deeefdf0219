/** Role tags in a real Consul's catalog: what stays, what fails as a whole, what an agent does not bring back. */
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ConsulConnection } from "../../../src/adapters/consul/connection.ts";
import { consulRoleTags } from "../../../src/adapters/consul/role-tags.ts";
import { registrationKey } from "../../../src/model/redis.ts";
import type { RetagWish } from "../../../src/ports/redis.ts";
import { connectTo, realConsulUrl } from "./real.ts";

let connection: ConsulConnection;
let name: string;
let node: string;
const ids = (): readonly [string, string] => [`${name}-1`, `${name}-2`];

beforeEach(async () => {
  connection = connectTo(realConsulUrl());
  const self = await connection.request({ method: "GET", path: ["agent", "self"] });
  node = (JSON.parse(self.text) as { readonly Config: { readonly NodeName: string } }).Config.NodeName;
  name = `tags-${randomUUID().slice(0, 8)}`;
  for (const [index, id] of ids().entries()) await register(id, 7_000 + index);
});
afterEach(async () => {
  for (const id of ids()) {
    await connection.request({ method: "PUT", path: ["agent", "service", "deregister", id] });
  }
  connection.close();
});

async function register(id: string, port: number): Promise<void> {
  const json = { ID: id, Name: name, Port: port, Tags: ["cache"], Meta: { zone: "a" }, EnableTagOverride: true };
  await connection.request({ method: "PUT", path: ["agent", "service", "register"], json });
}

async function catalog(): Promise<
  readonly {
    readonly ServiceID: string;
    readonly ServiceTags: readonly string[];
    readonly ServiceMeta: object;
    readonly ServicePort: number;
  }[]
> {
  const reply = await connection.request({
    method: "GET",
    path: ["catalog", "service", name],
    query: { consistent: "1" },
  });
  return JSON.parse(reply.text) as Awaited<ReturnType<typeof catalog>>;
}

async function tags(): Promise<Readonly<Record<string, readonly string[]>>> {
  return Object.fromEntries((await catalog()).map(({ ServiceID, ServiceTags }) => [ServiceID, ServiceTags]));
}

const wish = (master: string | null, replicas: readonly string[]): RetagWish => ({
  consulName: name,
  masterTag: "master",
  replicaTag: "slave",
  master: master === null ? null : registrationKey({ node, id: master }),
  replicas: replicas.map((id) => registrationKey({ node, id })),
  unsure: [],
});

test("roles are swapped in one go, and everything else of a registration stays", async () => {
  const [one, two] = ids();
  const roles = consulRoleTags(connection);
  expect(await roles.retag(wish(one, [two]), () => null)).toBe("changed");
  expect(await tags()).toEqual({ [one]: ["cache", "master"], [two]: ["cache", "slave"] });
  expect(await roles.retag(wish(two, [one]), () => null)).toBe("changed");
  expect(await tags()).toEqual({ [one]: ["cache", "slave"], [two]: ["cache", "master"] });
  expect((await catalog()).map(({ ServiceMeta, ServicePort }) => [ServiceMeta, ServicePort])).toEqual([
    [{ zone: "a" }, 7_000],
    [{ zone: "a" }, 7_001],
  ]);
});

test("what is right already is not written", async () => {
  const [one, two] = ids();
  const roles = consulRoleTags(connection);
  await roles.retag(wish(one, [two]), () => null);
  expect(
    await roles.retag(wish(one, [two]), () => {
      throw new Error("nothing may be written");
    }),
  ).toBe("same");
});

test("a registration that changes between look and write makes it look again, and the roles come out right", async () => {
  const [one, two] = ids();
  let interrupted = 0;
  const roles = consulRoleTags({
    ...connection,
    async request(request) {
      if (request.path[0] === "txn" && (interrupted += 1) === 1) await register(two, 7_009);
      return connection.request(request);
    },
  });
  expect(await roles.retag(wish(one, [two]), () => null)).toBe("changed");
  expect(await tags()).toEqual({ [one]: ["cache", "master"], [two]: ["cache", "slave"] });
});

test("nothing is written once the fence has fallen", async () => {
  const fallen = () => {
    throw new Error("fenced");
  };
  await expect(consulRoleTags(connection).retag(wish(ids()[0], []), fallen)).rejects.toThrow("fenced");
  expect(Object.values(await tags())).toEqual([["cache"], ["cache"]]);
});
