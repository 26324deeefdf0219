import type { PublishedPort } from "../../src/model/instance.ts";
import type { PortTemplate } from "../../src/model/service.ts";
import { EngineError } from "../../src/ports/engine.ts";
import { healthyBehaviour, isUp } from "./container.ts";
import type { TrueContainer } from "./container.ts";
import type { ContainerChange, MachineDeps } from "./machine.ts";

/** What a container's process does: start, become ready, crash, be restarted by the engine, end. */
export interface ContainerLife {
  /** Throws `EngineError` when a port is taken. Starting what runs does nothing. */
  start(container: TrueContainer): void;
  /** The process ends by itself: the restart policy decides what follows. */
  crash(container: TrueContainer, exitCode: number): void;
  /** Stopped through the API: no restart follows. */
  end(container: TrueContainer, exitCode: number): void;
  /** Ended with the machine or the daemon: no event is seen, and a boot may start it again. */
  cut(container: TrueContainer): void;
  pause(container: TrueContainer): void;
  unpause(container: TrueContainer): void;
  /** A sick application runs and answers nothing good. */
  setSick(container: TrueContainer, sick: boolean): void;
  /** How long it takes to end after SIGTERM. */
  stopTakesMs(container: TrueContainer, graceMs: number): number;
  startAfterBoot(): void;
}

interface LifeDeps extends MachineDeps {
  readonly changed: (container: TrueContainer, what: ContainerChange) => void;
  readonly daemonRuns: () => boolean;
  readonly containers: ReadonlyMap<string, TrueContainer>;
}

const restartDelayMaxMs = 60_000;
/** After so long a run the engine's own restart delay begins anew. */
const goodRunMs = 10_000;

export function containerLife(deps: LifeDeps): ContainerLife {
  const { scheduler, dice, changed } = deps;
  const behaviourOf = (container: TrueContainer) => deps.behaviours.get(container.image) ?? healthyBehaviour;
  let nextPort = 32_768;
  let starts = 1;

  const later = (container: TrueContainer, delayMs: number, run: () => void): void => {
    container.timers.push(scheduler.after(delayMs, run));
  };
  const clearTimers = (container: TrueContainer): void => {
    for (const cancel of container.timers) cancel();
    container.timers = [];
  };

  const setServing = (container: TrueContainer, serving: boolean): void => {
    if (container.serving === serving) return;
    container.serving = serving;
    if (serving) container.servingSinceMs = scheduler.nowMs();
    else container.silentSinceMs = scheduler.nowMs();
    changed(container, serving ? "serving" : "silent");
    const check = container.template.healthcheck;
    if (check === null || !isUp(container)) return;
    const noticedMs = serving ? check.intervalMs : check.intervalMs * check.retries;
    later(container, noticedMs, () => {
      const health = container.serving ? "healthy" : "unhealthy";
      if (container.serving !== serving || container.health === health) return;
      container.health = health;
      changed(container, "health");
    });
  };

  const freePort = (): number => {
    for (;;) {
      nextPort = nextPort >= 60_999 ? 32_768 : nextPort + dice.int(1, 3);
      if (!portTaken(nextPort)) return nextPort;
    }
  };
  const portTaken = (port: number): boolean => {
    for (const one of deps.containers.values()) {
      if (isUp(one) && one.ports.some((published) => published.host === port)) return true;
    }
    return false;
  };
  const publish = (port: PortTemplate): PublishedPort => {
    if (port.host !== null && portTaken(port.host)) {
      throw new EngineError("refused", `Bind for 0.0.0.0:${port.host} failed: port is already allocated`);
    }
    const host = port.host ?? freePort();
    return { container: port.container, host, hostIp: port.hostIp ?? "0.0.0.0", protocol: port.protocol };
  };

  const start = (container: TrueContainer): void => {
    if (isUp(container) || container.removed) return;
    const behaviour = behaviourOf(container);
    clearTimers(container);
    container.ports = container.template.ports.map(publish);
    container.address = `172.17.0.${(starts += 1) % 250}`;
    container.state = "running";
    container.exitCode = null;
    container.startedAtMs = scheduler.nowMs();
    container.finishedAtMs = null;
    container.stoppedByHand = false;
    container.health = container.template.healthcheck === null ? "none" : "starting";
    changed(container, "started");
    if (behaviour.crashAfterMs !== null) later(container, behaviour.crashAfterMs, () => crash(container, 1));
    if (!behaviour.neverReady && !container.sick) {
      later(container, dice.int(...behaviour.readyMs), () =>
        setServing(container, !container.sick && container.state === "running"),
      );
    }
  };

  const finish = (container: TrueContainer, exitCode: number, state: "exited" | "restarting"): void => {
    clearTimers(container);
    container.state = state;
    container.exitCode = exitCode;
    container.finishedAtMs = scheduler.nowMs();
    container.ports = [];
    container.address = null;
    setServing(container, false);
    changed(container, "died");
  };

  const crash = (container: TrueContainer, exitCode: number): void => {
    if (!isUp(container)) return;
    const ranMs = scheduler.nowMs() - (container.startedAtMs ?? 0);
    const { restart } = container.template;
    if (!deps.daemonRuns() || restart === "no" || (restart === "on-failure" && exitCode === 0)) {
      finish(container, exitCode, "exited");
      return;
    }
    finish(container, exitCode, "restarting");
    container.restarts = ranMs > goodRunMs ? 0 : container.restarts + 1;
    const delayMs = Math.min(restartDelayMaxMs, 100 * 2 ** container.restarts);
    later(container, delayMs, () => restartNow(container));
  };

  const restartNow = (container: TrueContainer): void => {
    if (!deps.daemonRuns()) return; // it will, when it is back
    try {
      start(container);
    } catch {
      container.state = "exited"; // its port is taken: the engine gives up
      changed(container, "died");
    }
  };

  return {
    start,
    crash,
    end(container, exitCode) {
      container.stoppedByHand = true;
      if (isUp(container)) return finish(container, exitCode, "exited");
      clearTimers(container);
      if (container.state === "restarting") finish(container, exitCode, "exited");
    },
    cut(container) {
      if (!isUp(container) && container.state !== "restarting") return;
      finish(container, 255, "exited");
    },
    pause(container) {
      if (container.state !== "running") return;
      container.state = "paused";
      setServing(container, false);
      changed(container, "paused");
    },
    unpause(container) {
      if (container.state !== "paused") return;
      container.state = "running";
      changed(container, "unpaused");
      setServing(container, !container.sick && !behaviourOf(container).neverReady);
    },
    setSick(container, sick) {
      container.sick = sick;
      if (container.state === "running") setServing(container, !sick && !behaviourOf(container).neverReady);
    },
    stopTakesMs: (container, graceMs) => (behaviourOf(container).deaf ? graceMs : Math.min(graceMs, dice.int(20, 900))),
    startAfterBoot() {
      for (const one of deps.containers.values()) {
        const { restart } = one.template;
        const wanted = restart === "always" || (restart === "unless-stopped" && !one.stoppedByHand);
        if (!isUp(one) && wanted && one.startedAtMs !== null) scheduler.after(dice.int(50, 800), () => restartNow(one));
      }
    },
  };
}
