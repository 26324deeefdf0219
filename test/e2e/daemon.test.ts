/** What `heal run` is to those around it: its settings, its signals, Consul, HTTP and other commands. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, inject, it } from "vitest";
import { freePort } from "../../scripts/machine/state.ts";
import { leaderOf } from "./support/consul-facts.ts";
import type { EventLog } from "./support/event-log.ts";
import { openGround, startOverTwo, timesSaid, untilTold } from "./support/ground.ts";
import { settles } from "./support/invariants.ts";
import { untilChecks } from "./support/peers.ts";
import { webService } from "./support/services.ts";
import { until, type Site } from "./support/site.ts";

const consul = inject("consul");
let site: Site;
let events: EventLog;

beforeEach(async () => {
  ({ site, events } = await openGround());
});

describe("the daemon and its settings", () => {
  it("takes up changed ones by itself and on SIGHUP, and keeps those in force when they are wrong", async () => {
    const daemon = await startOverTwo(site);
    const from = events.mark();
    const [first, second] = [await freePort(), await freePort()];
    const listen = (port: number): void => {
      const settings = JSON.parse(readFileSync(daemon.config, "utf8")) as { readonly server: object };
      const server = { ...settings.server, listen: `127.0.0.1:${port}` };
      const log = { level: port === second ? "debug" : "info" };
      writeFileSync(daemon.config, JSON.stringify({ ...settings, server, log }));
    };
    const answers = (port: number): Promise<boolean> =>
      fetch(`http://127.0.0.1:${port}/healthz`).then(
        ({ status }) => status === 200,
        () => false,
      );
    listen(first);
    await until(() => answers(first), "it to listen where it was told to");
    const whole = readFileSync(daemon.config, "utf8");
    writeFileSync(daemon.config, whole.slice(0, -2));
    await until(() => timesSaid(daemon, "settings.refused") > 0, "the settings to be refused");
    const before = timesSaid(daemon, "settings.refused");
    daemon.kill("SIGHUP");
    await untilTold(daemon, "settings.refused", before);
    expect(await answers(first)).toBe(true);
    writeFileSync(daemon.config, whole);
    listen(second);
    daemon.kill("SIGHUP");
    await until(() => answers(second), "it to listen where it was told to then");
    expect(await answers(first)).toBe(false);
    await until(() => timesSaid(daemon, "pass.finished") > 0, "it to log as much as it was told to");
    await untilChecks(daemon, 0);
    expect(daemon.hasEnded()).toBe(false);
    expect(events.since(from)).toEqual([]);
  });
});

describe("the daemon as others see it", () => {
  it("shows one check per service in Consul with the line of heal check, and takes them back when it stops", async () => {
    const daemon = await startOverTwo(site);
    const shown = async (): Promise<string> => {
      const checks = (await (await fetch(`${consul}/v1/agent/checks`)).json()) as Record<
        string,
        { readonly Status: string; readonly Output: string }
      >;
      const check = checks[`heal-status.${site.environment}.web`];
      return check === undefined ? "not there" : `${check.Status}: ${check.Output}`;
    };
    const isSame = async (status: string): Promise<boolean> => {
      const { stdout } = await daemon.heal("check", "web");
      return (await shown()) === `${status}: ${stdout.trim()}`;
    };
    await until(() => isSame("passing"), "it to be shown as passing");
    const [victim] = await site.containers("web");
    await site.docker("POST", `/containers/${victim?.Id}/pause`);
    await until(async () => (await shown()).startsWith("critical: "), "it to be shown as critical");
    await until(() => isSame("passing"), "it to be shown as passing again", 60_000);
    await daemon.stop();
    expect(await shown()).toBe("not there");
  });

  it("answers over HTTP as over its socket, and on loopback only", async () => {
    const port = await freePort();
    const server = { listen: `127.0.0.1:${port}`, socket: path.join(site.folder, "http.sock") };
    await startOverTwo(site, { settings: { server } });
    const ask = (what: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${what}`);
    expect((await ask("/healthz")).status).toBe(200);
    expect((await ask("/readyz")).status).toBe(200);
    expect(await (await ask("/metrics")).text()).toMatch(/^heal_\w+\{.*service="web".*\} \d/m);
    const status = (await (await ask("/api/v1/status")).json()) as {
      readonly services: readonly { readonly standing: object }[];
    };
    expect(status.services.map(({ standing }) => standing)).toMatchObject([
      {
        service: "web",
        status: 0,
        trust: "trusted",
        healthy: 2,
        trustReason: expect.stringContaining("Consul and Docker"),
      },
    ]);
  });

  it("is handed what a one-shot and a watch handler are asked for, and keeps the lock", async () => {
    const daemon = await startOverTwo(site);
    const leader = await leaderOf(consul, site.environment);
    expect(leader?.processId).toBe(daemon.pid);
    const [victim] = await site.containers("web");
    await site.docker("POST", `/containers/${victim?.Id}/kill`);
    expect((await daemon.heal()).code).toBeLessThanOrEqual(2);
    await settles(site, consul, "web", 2);
    expect((await daemon.heal()).code).toBe(0);
    expect((await daemon.heal("watch")).code).toBe(0);
    expect(await leaderOf(consul, site.environment)).toEqual(leader);
  });

  it("takes a registration without a container for what it is, and out of Consul", async () => {
    await startOverTwo(site);
    const all = (await (await fetch(`${consul}/v1/agent/services`)).json()) as Record<
      string,
      { readonly ID: string; readonly Meta: Record<string, string> }
    >;
    const [one] = Object.values(all).filter(({ Meta }) => Meta["heal-environment"] === site.environment);
    const from = events.mark();
    const ghost = `${one?.ID.replace(/\.\d+$/, "")}.3`;
    const container = `heal.${site.environment}.web.3.9`;
    const Meta = { ...one?.Meta, "heal-container": container, "heal-slot": "3", "heal-generation": "9" };
    const body = JSON.stringify({ ID: ghost, Name: "web", Port: 9, Meta });
    expect((await fetch(`${consul}/v1/agent/service/register`, { method: "PUT", body })).status).toBe(200);
    await until(async () => (await site.registrations("web")).every(({ id }) => id !== ghost), "the ghost to go");
    await settles(site, consul, "web", 2);
    expect(events.since(from)).toEqual([]);
  });

  it("takes away no more than its budget allows, and says so", async () => {
    const daemon = await startOverTwo(site, {
      settings: { blastRadius: { stopsPerWindow: 1, window: "1h", shareOfFleet: 1 } },
    });
    site.desire({ web: webService(0, { surplus: { action: "trim", after: "100ms" } }) });
    await until(
      async () => (await daemon.heal("why", "web")).stdout.includes("the budget of stops is used up"),
      "the hold",
    );
    await settles(site, consul, "web", 1);
    expect(events.all().filter(({ action }) => action === "die")).toHaveLength(1);
  });
});
