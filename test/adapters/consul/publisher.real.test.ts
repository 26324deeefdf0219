/** Standings as checks of a real agent: what the agent and the catalog say of them. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ConsulConnection } from "../../../src/adapters/consul/connection.ts";
import { consulPublisher } from "../../../src/adapters/consul/publisher.ts";
import type { PublishedCheck, Publisher } from "../../../src/ports/publisher.ts";
import { anEnvironment, connectTo, realConsulUrl } from "./real.ts";

const TTL_MS = 2_000;
let connection: ConsulConnection;
let environment: string;
let publisher: Publisher;

beforeEach(() => {
  connection = connectTo(realConsulUrl());
  environment = anEnvironment();
  publisher = consulPublisher(connection, environment, `${TTL_MS}ms`);
});
afterEach(async () => {
  await publisher.withdraw();
  connection.close();
});

const web: PublishedCheck = { service: "web", status: 0, line: "web PASSING 3/3 healthy" };
const shop: PublishedCheck = { service: "shop", status: 1, line: "shop WARNING 4/3 healthy" };

interface Check {
  readonly CheckID: string;
  readonly Status: string;
  readonly Output: string;
}

/** By service, as the agent has them. It sends a new line to the catalog minutes later where the status is the same. */
async function asShown(): Promise<Readonly<Record<string, string>>> {
  const reply = await connection.request({ method: "GET", path: ["agent", "checks"] });
  const prefix = `heal-status.${environment}.`;
  const checks = Object.values(JSON.parse(reply.text) as Readonly<Record<string, Check>>);
  return Object.fromEntries(
    checks
      .filter(({ CheckID }) => CheckID.startsWith(prefix))
      .map(({ CheckID, Status, Output }) => [CheckID.slice(prefix.length), `${Status}: ${Output}`]),
  );
}

const both = { web: `passing: ${web.line}`, shop: `warning: ${shop.line}` };

test("every service has a check with its status and its line", async () => {
  await publisher.publish([web, shop], false);
  expect(await asShown()).toEqual(both);
});

test("what has changed is shown, and what is not named any more is gone", async () => {
  await publisher.publish([web, shop], false);
  await publisher.publish([{ ...web, status: 2, line: "web CRITICAL 0/3 healthy" }, shop], false);
  expect(await asShown()).toEqual({ ...both, web: "critical: web CRITICAL 0/3 healthy" });
  await publisher.publish([shop], false);
  expect(await asShown()).toEqual({ shop: both.shop });
});

test("a refresh lets the time of all begin anew", async () => {
  await publisher.publish([web, shop], false);
  const beganMs = performance.now();
  while (performance.now() - beganMs < 2 * TTL_MS) {
    await publisher.publish([web, shop], true);
    expect(await asShown()).toEqual(both);
    await new Promise((resolve) => setTimeout(resolve, TTL_MS / 10));
  }
});

test("what an earlier process has shown is taken over as it is, and only what differs is changed", async () => {
  await publisher.publish([web, shop, { ...web, service: "gone" }], false);
  const sent: string[] = [];
  const counted: ConsulConnection = {
    ...connection,
    request: (request) => {
      if (request.method !== "GET") sent.push(request.path.slice(1).join("/"));
      return connection.request(request);
    },
  };
  const next = consulPublisher(counted, environment, `${TTL_MS}ms`);
  await next.publish([web, { ...shop, line: "shop WARNING 5/3 healthy" }], false);
  expect(await asShown()).toEqual({ ...both, shop: "warning: shop WARNING 5/3 healthy" });
  const id = (service: string): string => `heal-status.${environment}.${service}`;
  expect(sent.toSorted()).toEqual(
    ["service/register", `check/deregister/${id("gone")}`, `check/update/${id("shop")}`].toSorted(),
  );
});

test("a hundred services are shown without holding the agent up for others", async () => {
  const checks = Array.from({ length: 100 }, (_, at) => ({ ...web, service: `web${at}` }));
  const sizes: number[] = [];
  const counted: ConsulConnection = {
    ...connection,
    request: (request) => {
      sizes.push(JSON.stringify(request.json ?? {}).length);
      return connection.request(request);
    },
  };
  await consulPublisher(counted, environment).publish(checks, false);
  expect(Object.keys(await asShown())).toHaveLength(100);
  // No request tells the agent of more than one check.
  expect(Math.max(...sizes)).toBeLessThan(400);
});

test("checks that an agent has lost are made again by the attempt after the one that fails", async () => {
  await publisher.publish([web, shop], false);
  await connection.request({
    method: "PUT",
    path: ["agent", "service", "deregister", `heal-status.${environment}`],
  });
  await expect(publisher.publish([{ ...web, line: "web PASSING 2/2 healthy" }, shop], false)).rejects.toThrow("web");
  await publisher.publish([web, shop], false);
  expect(await asShown()).toEqual(both);
});
