import { createHash } from "node:crypto";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { NotPassing, Registry } from "../../ports/registry.ts";
import { RegistryError } from "../../ports/registry.ts";
import { openLanes } from "../lanes.ts";
import { backOffMs, defaultFollow, follow, type Followed, type FollowOptions } from "./blocking.ts";
import { changedChecks, changedServices, type Membership } from "./membership.ts";

export interface WatchDeps {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
}

export interface WatchHandlers {
  /** Look at these again. `"all"` comes once at first, when from now on nothing can be missed, and when it cannot be told which. */
  onHint(services: readonly string[] | "all"): void;
  /** Consul cannot be seen at present. Told once until `onRecovered`. */
  onTrouble(reason: string): void;
  onRecovered(): void;
}

export interface WatchOptions {
  readonly signal: AbortSignal;
  readonly follow?: Partial<Omit<FollowOptions, "signal">>;
}

/** Nodes that are asked at the same time what is registered on them. */
const nodeReadsMax = 4;
/** A look at the membership takes at most this share of the time, however large the fleet: ten times its own length apart. */
const looksApart = 10;
const looksApartMinMs = 200;

/**
 * Watches by exception: three long polls whatever the size of the fleet, each with a small answer. `health/state/critical`
 * and `/warning` name whatever begins or ceases to be in that state. `catalog/services` moves its index with every
 * registration that is made, changed or withdrawn, also of one that was passing, but does not say which; the nodes are
 * then asked what is registered on them, which is an answer per node without checks, and only as often as is cheap.
 *
 * All of these give hints, never facts: whoever is told looks for himself. Resolves when the signal fires; never rejects.
 */
export async function watchRegistry(deps: WatchDeps, handlers: WatchHandlers, options: WatchOptions): Promise<void> {
  const { registry, clock } = deps;
  // One listener on the caller's signal, which many others listen to.
  const signal = AbortSignal.any([options.signal]);
  const followOptions: FollowOptions = { ...defaultFollow, ...options.follow, signal };
  const trouble = troubles(handlers);
  const settled = new Set<string>();
  let membership: Membership | null = null;
  let wakeLook = (): void => undefined;
  let lookWanted = false;

  /** Before every source has answered once there is nothing to compare with. */
  function began(source: string): void {
    if (settled.has(source)) return;
    settled.add(source);
    if (settled.size === 3) handlers.onHint("all");
  }

  function hint(services: ReadonlySet<string> | "all"): void {
    if (services === "all" || services.size > 0) handlers.onHint(services === "all" ? "all" : [...services]);
  }

  function checksIn(state: "warning" | "critical"): Followed<readonly NotPassing[]> {
    let before: readonly NotPassing[] | null = null;
    return {
      ask: (from) => registry.readNotPassing(state, { consistency: "default", ...from }),
      fingerprint: (answer) => createHash("sha256").update(JSON.stringify(answer.value)).digest("base64"),
      onChange(after) {
        if (before !== null) hint(changedChecks(before, after, membership));
        before = after;
        began(state);
      },
      ...trouble.of(state),
    };
  }

  const names: Followed<readonly string[]> = {
    ask: (from) => registry.readServiceNames({ consistency: "default", ...from }),
    // The names may be the same: it is the index that tells of a registration.
    fingerprint: (answer) => String(answer.index),
    onChange() {
      lookWanted = true;
      wakeLook();
    },
    ...trouble.of("names"),
  };

  async function lookAtMembership(): Promise<void> {
    const { onTrouble, onRecovered } = trouble.of("membership");
    let failures = 0;
    while (!signal.aborted) {
      if (!lookWanted) {
        await new Promise<void>((resolve) => (wakeLook = resolve));
        continue;
      }
      lookWanted = false;
      const startedAtMs = clock.steadyMs();
      try {
        const seen = await readMembership(registry, signal);
        if (membership !== null) hint(changedServices(membership, seen));
        membership = seen;
        if (failures > 0) onRecovered();
        failures = 0;
        began("membership");
        await clock.sleep(Math.max(looksApartMinMs, (clock.steadyMs() - startedAtMs) * (looksApart - 1)), signal);
      } catch (error) {
        if (signal.aborted) return;
        lookWanted = true;
        if (failures === 0) onTrouble((error as Error).message);
        failures += 1;
        await clock.sleep(backOffMs(followOptions.backOff, failures, deps.random.next()), signal);
      }
    }
  }

  signal.addEventListener("abort", () => wakeLook(), { once: true });
  await Promise.all([
    follow(deps, checksIn("critical"), followOptions),
    follow(deps, checksIn("warning"), followOptions),
    follow(deps, names, followOptions),
    lookAtMembership(),
  ]);
}

async function readMembership(registry: Registry, signal: AbortSignal): Promise<Membership> {
  const options = { consistency: "default", signal } as const;
  const lanes = openLanes(nodeReadsMax);
  const nodes = await registry.readNodes(options);
  if (nodes.filtered) throw new RegistryError("denied", "Consul leaves out nodes that the token may not see");
  const answers = await Promise.all(
    nodes.value.map(({ node }) => lanes(() => registry.readNodeServices(node, options))),
  );
  return new Map(
    answers.map(({ value }, position) => [
      nodes.value[position]!.node,
      new Map(value.map((entry) => [entry.id, entry])),
    ]),
  );
}

/** Several sources may be in trouble; who listens is told of the first and of the end of the last. */
function troubles(handlers: WatchHandlers): { of(source: string): Pick<WatchHandlers, "onTrouble" | "onRecovered"> } {
  const sources = new Set<string>();
  return {
    of: (source) => ({
      onTrouble(reason) {
        sources.add(source);
        if (sources.size === 1) handlers.onTrouble(reason);
      },
      onRecovered() {
        if (sources.delete(source) && sources.size === 0) handlers.onRecovered();
      },
    }),
  };
}
