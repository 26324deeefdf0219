/** What a test on real parts stands on. Each is closed when the test is over, the last one opened first. */
import { inject, onTestFinished } from "vitest";
import { openEventLog, type EventLog } from "./event-log.ts";
import { settles } from "./invariants.ts";
import { startPeer, tellIfFailed, untilChecks, type Peer, type PeerOptions } from "./peers.ts";
import { openProxy, type Proxy } from "./proxy.ts";
import { webService } from "./services.ts";
import { openSite, until, type Site, type SiteOptions } from "./site.ts";

export interface Ground {
  readonly site: Site;
  readonly events: EventLog;
}

/** An environment of its own, on the shared engine and Consul unless told, and what the engine says of it. */
export async function openGround(options: Partial<SiteOptions> = {}): Promise<Ground> {
  const docker = options.docker ?? inject("docker");
  const site = openSite({ consul: inject("consul"), ...options, docker });
  onTestFinished(() => site.close());
  return { site, events: await followEvents(docker, site) };
}

export async function followEvents(docker: string, { environment }: Site): Promise<EventLog> {
  const events = await openEventLog(docker, environment);
  onTestFinished(() => events.close());
  return events;
}

/** A way to a server that the test can spoil. */
export async function openWay(server: string): Promise<Proxy> {
  const proxy = await openProxy(server);
  onTestFinished(() => proxy.close());
  return proxy;
}

/** A daemon; what it said is told when the test fails. */
export async function startDaemon(site: Site, options: PeerOptions = {}): Promise<Peer> {
  const daemon = await startPeer(site, options);
  onTestFinished(async ({ task }) => {
    tellIfFailed(task, [daemon]);
    await daemon.stop();
  });
  return daemon;
}

/** A daemon over two healthy instances of `web`, which says that all is well. */
export async function startOverTwo(site: Site, options: PeerOptions = {}, consul = inject("consul")): Promise<Peer> {
  site.desire({ web: webService(2) });
  const daemon = await startDaemon(site, options);
  await settles(site, consul, "web", 2);
  await untilChecks(daemon, 0);
  return daemon;
}

/** How often a daemon has logged this event. */
export const timesSaid = (daemon: Peer, event: string): number => daemon.log().split(`"event":"${event}"`).length - 1;

/** Waits until it has logged it more often than before. */
export const untilTold = (daemon: Peer, event: string, before: number): Promise<void> =>
  until(() => timesSaid(daemon, event) > before, `${event} to be told`);
