/** Checks that say more about the checker than about what it checks. */
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeEach, describe, expect, inject, it, onTestFinished } from "vitest";
import type { EventLog } from "../support/event-log.ts";
import { noteFault } from "../support/fault-report.ts";
import { openGround, startDaemon } from "../support/ground.ts";
import { settles } from "../support/invariants.ts";
import { untilChecks, type Peer, type PeerOptions } from "../support/peers.ts";
import { webService } from "../support/services.ts";
import { until, type Site } from "../support/site.ts";

const consul = inject("consul");
let site: Site;
let events: EventLog;

beforeEach(async () => {
  ({ site, events } = await openGround());
});

/** A daemon over two healthy instances of each. */
async function allHealthy(services: readonly string[], options: PeerOptions = {}): Promise<Peer> {
  const daemon = await startDaemon(site, options);
  for (const service of services) await settles(site, consul, service, 2);
  await untilChecks(daemon, 0);
  return daemon;
}

async function tell(url: string, body: object | null = null): Promise<void> {
  const init = body === null ? { method: "PUT" } : { method: "PUT", body: JSON.stringify(body) };
  expect((await fetch(`${consul}/v1/agent/check/${url}`, init)).status).toBe(200);
}
const addCheck = (id: string, service: string) =>
  tell("register", { Name: "a check besides", ID: id, ServiceID: service, TTL: "10m", Status: "passing" });

describe("the daemon under checks", () => {
  it("that are all critical at once takes the checker for sick, freezes, and tells of it once", async (test) => {
    const messages: string[] = [];
    const receiver = createServer((request, response) => {
      let text = "";
      request.setEncoding("utf8").on("data", (part: string) => (text += part));
      request.on("end", () => void (messages.push(text), response.end()));
    });
    await new Promise<void>((ready) => void receiver.listen(0, "127.0.0.1", ready));
    onTestFinished(() => void receiver.close());
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    const routes = { default: { critical: ["hook"], warning: ["hook"], wait: "1s" } };
    site.desire({ web: webService(2), api: webService(2) });
    const settings = { alerts: { channels: { hook: { kind: "webhook", url } }, routes } };
    const daemon = await allHealthy(["web", "api"], { settings });
    // What has run for less than half a minute may fail its check for having just been started, and counts for nothing.
    await new Promise((passed) => setTimeout(passed, 31_000));
    const ids = (await Promise.all(["web", "api"].map((service) => site.registrations(service)))).flat();
    const each = (work: (id: string) => Promise<void>) => Promise.all(ids.map(({ id }) => work(id)));
    await each((id) => addCheck(`sick.${id}`, id));
    await untilChecks(daemon, 0);
    const [from, before] = [events.mark(), messages.length];
    const sickAtMs = Date.now();
    await each((id) => tell(`fail/sick.${id}`));
    const told = (): readonly string[] => messages.slice(before).filter((text) => /checks look sick/.test(text));
    await until(() => told().length > 0, "the alert");
    // Three times as long as after which one that is unhealthy would be replaced.
    await new Promise((passed) => setTimeout(passed, 6_000));
    expect(events.since(from)).toEqual([]);
    await each((id) => tell(`pass/sick.${id}`));
    await untilChecks(daemon, 0);
    await until(
      () => messages.slice(before).some((text) => /"state":"resolved"/.test(text)),
      "its end to be told",
      60_000,
    );
    expect(events.since(from)).toEqual([]);
    expect(told().filter((text) => /"state":"firing"/.test(text))).toHaveLength(1);
    noteFault(
      test,
      "all checks of the fleet critical at once while Docker runs it",
      "nothing stopped or replaced; one alert",
      Date.now() - sickAtMs,
    );
  });

  it("that flap as fast as Consul takes it starts and stops nothing", async (test) => {
    // With so many, one of them is critical at any time.
    site.desire({ web: webService(2, { healing: { unhealthyAfter: "5m" } }) });
    const daemon = await allHealthy(["web"]);
    const from = events.mark();
    const [{ id } = { id: "" }] = await site.registrations("web");
    const checks = Array.from({ length: 8 }, () => `flap-${randomUUID()}`);
    const beganAtMs = Date.now();
    await Promise.all(
      checks.map(async (check) => {
        await addCheck(check, id);
        for (let time = 0; time < 100; time += 1) {
          await tell(`fail/${check}`);
          await tell(`pass/${check}`);
        }
      }),
    );
    const tookMs = Date.now() - beganAtMs;
    await settles(site, consul, "web", 2);
    await untilChecks(daemon, 0);
    expect(events.since(from)).toEqual([]);
    noteFault(
      test,
      `checks flap ${Math.round((800 * 60_000) / tookMs)} times a minute`,
      "nothing started or stopped",
      tookMs,
    );
  });
});
