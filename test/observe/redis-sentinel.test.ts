import { expect, test } from "vitest";
import type { Service } from "../../src/model/service.ts";
import { openSentinelWatch } from "../../src/observe/redis-sentinel.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Redis } from "../../src/ports/redis.ts";
import { roles } from "../builders/redis.ts";
import { aService } from "../builders/service.ts";

interface Followed {
  readonly port: number;
  readonly told: (masterName: string | null) => void;
  readonly signal: AbortSignal;
}

/** Sentinels that are listened to and never asked. */
function sentinels(): { readonly followed: Followed[]; listen: ReturnType<typeof openSentinelWatch>["listen"] } {
  const followed: Followed[] = [];
  const nodes: Pick<Redis, "followSentinel"> = {
    followSentinel: async ({ address }, told, signal) => void followed.push({ port: address.port, told, signal }),
  };
  return { followed, listen: openSentinelWatch(nodes as Redis, {} as Clock).listen };
}

function under(name: string, masterName: string, ...addresses: string[]): Service {
  return aService(name, { redis: { ...roles, authority: "sentinel", sentinel: { addresses, masterName } } });
}

test("a service is told of changes of its own master and of gaps, by every Sentinel named for it", () => {
  const { followed, listen } = sentinels();
  const told: string[] = [];
  const services = [under("sessions", "one", "127.0.0.1:1", "127.0.0.1:2"), under("carts", "two", "127.0.0.1:1")];
  listen(services, ({ name }) => told.push(name), new AbortController().signal);
  expect(followed.map(({ port }) => port)).toEqual([1, 2, 1]);
  for (const each of followed) each.told("two");
  expect(told).toEqual(["carts"]);
  for (const each of followed) each.told(null);
  expect(told).toEqual(["carts", "sessions", "sessions", "carts"]);
});

test("a Sentinel is followed once for as long as it is named, and no longer", () => {
  const { followed, listen } = sentinels();
  const listenTo = (...services: Service[]): void => listen(services, () => undefined, new AbortController().signal);
  listenTo(under("sessions", "one", "127.0.0.1:1"));
  listenTo(under("sessions", "one", "127.0.0.1:1"), aService("web"));
  expect(followed.map(({ signal }) => signal.aborted)).toEqual([false]);
  listenTo(under("sessions", "one", "127.0.0.1:2"));
  expect(followed.map(({ port, signal }) => [port, signal.aborted])).toEqual([
    [1, true],
    [2, false],
  ]);
});
