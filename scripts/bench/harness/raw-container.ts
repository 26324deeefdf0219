import { freePort } from "../../machine/state.ts";
import type { RawEngine } from "./raw-engine.ts";
import type { Context } from "./row.ts";
import type { Place } from "./stage.ts";
import { answersAt } from "./stage.ts";

export type Network = "host" | "bridge" | "published";

/** Something that is brought back by somebody else than heal. */
export interface Peer {
  /** Milliseconds from the death of its process until what replaces it answers HTTP. */
  recover(): Promise<number>;
  close(): Promise<unknown>;
}

/** Docker doubles the delay of its policy for what dies within ten seconds of its start: it is given that time. */
const UNDOUBLED_AFTER_MS = 10_500;

/** A container that is replaced by nothing but the API (`no`), or by Docker itself (`always`). */
export async function openRawContainer(
  context: Context,
  engine: RawEngine,
  network: Network,
  policy: "no" | "always",
): Promise<Peer> {
  const port = network === "bridge" ? 8_000 : await freePort();
  let id = "";
  let startedMs = 0;
  const spec = specOf(network, port, policy);
  const start = async (): Promise<Place> => {
    id = (await engine.ask<{ Id: string }>("POST", "/containers/create", spec)).Id;
    await engine.ask("POST", `/containers/${id}/start`);
    return network === "bridge" ? addressOf(engine, id) : { port };
  };
  const remove = (which: string): Promise<unknown> =>
    engine.ask("DELETE", `/containers/${which}?force=true&v=true`).catch(() => undefined);
  const first = await start();
  context.undo("raw container", async () => void (await remove(id)));
  startedMs = await answersAt(first);
  return {
    async recover() {
      const before = id;
      const restMs = startedMs + UNDOUBLED_AFTER_MS - performance.now();
      if (policy === "always" && restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
      const beganMs = await crash(engine, before);
      const started = policy === "no" ? start() : null;
      // Asked from the kill on where the place is known, as heal's is: who asks too early may keep others waiting.
      const place = network === "bridge" && started !== null ? await started : { port };
      [startedMs] = await Promise.all([answersAt(place), started]);
      if (policy === "no") await remove(before);
      return startedMs - beganMs;
    },
    close: () => remove(id),
  };
}

function specOf(network: Network, port: number, policy: "no" | "always"): object {
  return {
    Image: "heal-demo/web:1",
    Env: [`PORT=${network === "host" ? port : 8_000}`],
    ExposedPorts: network === "published" ? { "8000/tcp": {} } : {},
    HostConfig: {
      NetworkMode: network === "host" ? "host" : "default",
      PortBindings: network === "published" ? { "8000/tcp": [{ HostPort: String(port) }] } : {},
      RestartPolicy: { Name: policy },
    },
  };
}

/** Kills the container's process from outside, and resolves after its `die` with the time of the blow. */
export async function crash(engine: RawEngine, id: string): Promise<number> {
  const { State } = await engine.ask<{ State: { Pid: number } }>("GET", `/containers/${id}/json`);
  const died = engine.event("die", (event) => event.id === id);
  const beganMs = performance.now();
  process.kill(State.Pid, "SIGKILL");
  await died;
  return beganMs;
}

/** Where a container on Docker's bridge answers. */
export async function addressOf(engine: RawEngine, id: string): Promise<Place> {
  const { NetworkSettings } = await engine.ask<{ NetworkSettings: { IPAddress: string } }>(
    "GET",
    `/containers/${id}/json`,
  );
  return { address: NetworkSettings.IPAddress, port: 8_000 };
}
