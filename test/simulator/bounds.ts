import type { SimulatedWorld } from "./world.ts";

/** What may pile up, and how far (S27). One controller of ten services needs a tenth of each. */
const limits = {
  timers: 3_000,
  waitsPerController: 150,
  keys: 200,
  keyCharacters: 100_000,
  containersPerHost: 150,
  passesPerController: 1_500,
};

const lookEveryMs = 60_000;

/** Looks once a minute whether anything has grown beyond its bound. */
export function watchBounds(world: SimulatedWorld): void {
  const { scheduler, servers, keys, safety, hosts, controllers, plan } = world;
  const mustStayBelow = (what: string, count: number, max: number): void => {
    if (count > max) safety.violate("S27", `${count} ${what}, where ${max} are plenty`);
  };
  let passesBefore = 0;
  const look = (): void => {
    const passes = world.reached.get("log pass.finished") ?? 0;
    // Who looks again and again although nothing can have changed runs in circles.
    mustStayBelow(
      "passes within a minute",
      passes - passesBefore,
      limits.passesPerController * plan.controllers.length,
    );
    passesBefore = passes;
    const running = controllers.running().length;
    mustStayBelow("timers and messages under way", scheduler.waiting(), limits.timers);
    mustStayBelow("requests held back by Consul", servers.waiters(), limits.waitsPerController * Math.max(1, running));
    mustStayBelow("keys", keys.size().keys, limits.keys);
    mustStayBelow("characters in one key", keys.size().bytesMax, limits.keyCharacters);
    for (const host of hosts)
      mustStayBelow(`containers on ${host.machine}`, host.containers.size, limits.containersPerHost);
    scheduler.after(lookEveryMs, look);
  };
  scheduler.after(lookEveryMs, look);
}
