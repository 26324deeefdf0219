import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { startFleet, type Fleet, type FleetHost } from "../../../scripts/machine/fleet.ts";
import { freePort } from "../../../scripts/machine/state.ts";
import type { EventLog } from "../support/event-log.ts";
import { noteFault } from "../support/fault-report.ts";
import {
  followEvents,
  openGround,
  openWay,
  startDaemon,
  startOverTwo,
  type Ground as Bare,
} from "../support/ground.ts";
import { expectNoSlotTwice, settles } from "../support/invariants.ts";
import { by, untilChecks, type Peer, type PeerOptions } from "../support/peers.ts";
import { pass, type Exchange, type Proxy } from "../support/proxy.ts";
import { webService } from "../support/services.ts";
import { nameOf, openSite, until, type Site } from "../support/site.ts";

const consul = inject("consul");

interface Ground extends Bare {
  readonly proxy: Proxy;
  readonly options: PeerOptions;
}

/** An environment whose daemon reaches the engine by way of a proxy. */
async function open(): Promise<Ground> {
  const ground = await openGround();
  const proxy = await openWay(inject("docker"));
  return { ...ground, proxy, options: { environmentSettings: by(proxy.tcp, consul) } };
}

async function twoHealthy(): Promise<Ground & { readonly daemon: Peer }> {
  const ground = await open();
  return { ...ground, daemon: await startOverTwo(ground.site, ground.options) };
}

const killOne = async (site: Site): Promise<void> => {
  const [victim] = await site.containers("web");
  await site.docker("POST", `/containers/${victim?.Id}/kill`);
};
const created = (events: EventLog, from = 0) =>
  events
    .since(from)
    .filter(({ action }) => action === "create")
    .map(({ name }) => name);
const isEvents = ({ path }: Exchange): boolean => /\/events/.test(path);
const isCreate = ({ method, path }: Exchange): boolean => method === "POST" && /\/containers\/create/.test(path);
const isStart = ({ method, path }: Exchange): boolean => method === "POST" && /\/containers\/[^/]+\/start/.test(path);

describe("the daemon with a connection to Docker that fails", () => {
  it("says that it cannot tell while the engine is silent, and heals what happened meanwhile once", async (test) => {
    const { site, events, proxy, daemon } = await twoHealthy();
    const from = events.mark();
    proxy.freeze();
    await killOne(site);
    await untilChecks(daemon, 3);
    expect(created(events, from)).toEqual([]);
    const backAtMs = Date.now();
    proxy.thaw();
    await settles(site, consul, "web", 2);
    expect(created(events, from)).toHaveLength(1);
    await untilChecks(daemon, 0);
    noteFault(
      test,
      "connection to Docker half open, a container killed meanwhile",
      "status 3, nothing done blind; one start afterwards",
      Date.now() - backAtMs,
    );
  });

  it("notices a death while it can have no events", async (test) => {
    const { site, events, proxy } = await twoHealthy();
    const from = events.mark();
    proxy.treat((exchange) => (isEvents(exchange) ? { kind: "lose-request" } : pass));
    proxy.cut();
    const cutAtMs = Date.now();
    await killOne(site);
    await settles(site, consul, "web", 2, 90_000);
    expect(created(events, from)).toHaveLength(1);
    noteFault(
      test,
      "event stream cut and refused, then a container killed",
      "healed by Consul's word or the resync",
      Date.now() - cutAtMs,
    );
  });

  for (const [kind, what] of [
    ["mute", "accepted, open and silent"],
    ["hang", "never answered"],
  ] as const) {
    it(`notices a death while its event stream is ${what}`, async (test) => {
      const { site, events, proxy, options } = await open();
      proxy.treat((exchange) => (isEvents(exchange) ? { kind } : pass));
      site.desire({ web: webService(2) });
      await startDaemon(site, options);
      await settles(site, consul, "web", 2, 90_000);
      const from = events.mark();
      const killedAtMs = Date.now();
      await killOne(site);
      await settles(site, consul, "web", 2, 90_000);
      expect(created(events, from)).toHaveLength(1);
      const tookMs = Date.now() - killedAtMs;
      noteFault(test, `event stream ${what}, a container killed`, "healed by Consul's word or the resync", tookMs);
    });
  }

  for (const [what, isIt] of [
    ["create", isCreate],
    ["start", isStart],
  ] as const) {
    for (const kind of ["lose-answer", "hold-answer"] as const) {
      it(`makes one container of one whose ${what} took effect, the answer being ${kind === "lose-answer" ? "lost" : "held back"}`, async (test) => {
        const { site, events, proxy } = await twoHealthy();
        let done = 0;
        proxy.treat((exchange) => (isIt(exchange) && (done += 1) === 1 ? { kind } : pass));
        const from = events.mark();
        const killedAtMs = Date.now();
        await killOne(site);
        await settles(site, consul, "web", 2, 150_000);
        expect(new Set(created(events, from)).size).toBe(1);
        expectNoSlotTwice(events.all());
        noteFault(
          test,
          `answer to ${what} ${kind === "lose-answer" ? "lost" : "never given"} after it took effect`,
          "one running container, nothing left over",
          Date.now() - killedAtMs,
        );
      });
    }
  }

  it("says why when the image is missing, and starts it as soon as there is one", async (test) => {
    const { site, events, options } = await open();
    const image = `heal-demo/fault-${site.environment}:1`;
    const service = webService(1) as { readonly container: object };
    site.desire({ web: { ...service, container: { ...service.container, image } } });
    const daemon = await startDaemon(site, {
      ...options,
      settings: { healing: { backOff: { initial: "500ms", max: "2s" } } },
    });
    await untilChecks(daemon, 2);
    await until(async () => (await daemon.heal("why", "web")).stdout.includes(image), "the reason to name the image");
    expect(await site.containers("web", { all: true })).toEqual([]);
    await site.docker(
      "POST",
      `/images/${encodeURIComponent("heal-demo/web:1")}/tag?repo=heal-demo/fault-${site.environment}&tag=1`,
    );
    onTestFinished(
      async () => void (await site.docker("DELETE", `/images/${encodeURIComponent(image)}`).catch(() => undefined)),
    );
    const thereAtMs = Date.now();
    await settles(site, consul, "web", 1);
    expect(created(events)).toHaveLength(1);
    noteFault(test, "image missing, then there", "the reason named; started once it was there", Date.now() - thereAtMs);
  });

  it("leaves no heap of containers behind while a port is taken, and starts one when it is free", async (test) => {
    const { site, options } = await open();
    const port = await freePort();
    const taken = createServer().listen(port, "0.0.0.0");
    const service = webService(1) as { readonly container: object };
    const ports = [{ container: 8000, host: port }];
    site.desire({ web: { ...service, container: { ...service.container, ports } } });
    const daemon = await startDaemon(site, {
      ...options,
      settings: { healing: { backOff: { initial: "500ms", max: "2s" } } },
    });
    await until(() => daemon.log().includes('"action.failed"'), "the start to fail");
    await untilChecks(daemon, 2);
    await until(() => daemon.log().split('"action.failed"').length > 3, "it to fail again", 60_000);
    expect((await site.containers("web", { all: true })).length).toBeLessThanOrEqual(1);
    await new Promise((closed) => taken.close(closed));
    const freeAtMs = Date.now();
    await settles(site, consul, "web", 1);
    noteFault(
      test,
      "host port taken, then free",
      "at most one container lay there; started once it was free",
      Date.now() - freeAtMs,
    );
  });
});

describe("the daemon with an engine of its own that fails", () => {
  let fleet: Fleet;
  let host: FleetHost;
  beforeAll(async () => {
    fleet = await startFleet({ say: () => undefined, hosts: 1, tcp: true, images: ["heal-demo/web:1"] });
    [host] = fleet.hosts as [FleetHost];
  });
  afterAll(() => fleet?.stop());

  async function onOwnEngine(): Promise<{ site: Site; daemon: Peer; events: () => Promise<EventLog> }> {
    const { address } = fleet.consul;
    const hosts = { h1: { docker: host.docker, consulAgent: host.consulAddress, address: host.address } };
    const site = openSite({ docker: host.dockerSocket, consul: address, environmentSettings: { hosts } });
    onTestFinished(() => site.close());
    site.desire({ web: webService(2) });
    const daemon = await startDaemon(site);
    await settles(site, address, "web", 2);
    return { site, daemon, events: () => followEvents(host.dockerSocket, site) };
  }

  it("does nothing while it hangs, and nothing after it", async (test) => {
    const { site, daemon, events } = await onOwnEngine();
    const log = await events();
    await fleet.pauseEngine(1);
    const pausedAtMs = Date.now();
    await untilChecks(daemon, 3);
    await fleet.resumeEngine(1);
    await untilChecks(daemon, 0);
    await settles(site, fleet.consul.address, "web", 2);
    expect(log.all().filter(({ atMs }) => atMs > pausedAtMs)).toEqual([]);
    noteFault(
      test,
      "dockerd and containerd SIGSTOPped and continued",
      "status 3 meanwhile; nothing started or stopped",
      Date.now() - pausedAtMs,
    );
  });

  it("has every service back after dockerd crashed and was started again", async (test) => {
    const { site, daemon } = await onOwnEngine();
    await fleet.crashEngine(1);
    await untilChecks(daemon, 3);
    await fleet.startEngine(1);
    const startedAtMs = Date.now();
    const events = await followEvents(host.dockerSocket, site);
    await settles(site, fleet.consul.address, "web", 2);
    const tookMs = Date.now() - startedAtMs;
    expect((await site.containers("web")).map(nameOf).length).toBe(2);
    expect(new Set(created(events)).size).toBe(created(events).length);
    await untilChecks(daemon, 0);
    noteFault(
      test,
      "dockerd killed -9 and started again (its containers end)",
      "status 3 meanwhile; as many as asked for again, once each",
      tookMs,
    );
  });
});
