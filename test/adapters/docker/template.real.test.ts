import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { LABEL } from "../../../src/model/labels.ts";
import type { Container } from "../../../src/model/instance.ts";
import type { ContainerTemplate } from "../../../src/model/service.ts";
import type { Creation, EngineError, EngineEvent } from "../../../src/ports/engine.ts";
import { aTemplate } from "../../builders/template.ts";
import { aName, byHand, openRealEngine } from "./real.ts";

const engine = openRealEngine();
const docker = byHand();
const environment = aName("template");
const everything = { environment, service: null, composeProjects: [], swarmServices: [] };
afterAll(() => engine.close());

function aCreation(changes: Partial<ContainerTemplate>, environmentOf: Record<string, string> = {}): Creation {
  const service = aName("s");
  return {
    name: `heal.${environment}.${service}.3.1`,
    slot: 3,
    template: aTemplate("heal-demo/web:1", { ports: [], ...changes }),
    environment: environmentOf,
    labels: { [LABEL.environment]: environment, [LABEL.service]: service, [LABEL.slot]: "3" },
  };
}

async function started(creation: Creation): Promise<Container> {
  onTestFinished(() => engine.remove(creation.name));
  return engine.start(creation);
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`never seen: ${what}`);
}

const refusal = (doing: Promise<unknown>): Promise<string> =>
  doing.then(
    () => "no failure",
    (error: EngineError) => `${error.kind}: ${error.message}`,
  );

describe("a container on a real engine", () => {
  it("is what its template says", async () => {
    const container = await started(
      aCreation(
        {
          user: "1000:1000",
          labels: { team: "shop" },
          stopSignal: "SIGINT",
          stopGraceMs: 3_000,
          resources: { cpus: 0.5, memoryBytes: 64 * 1024 * 1024 },
          restart: "unless-stopped",
          init: true,
          capabilitiesAdd: ["NET_ADMIN"],
          pid: "host",
          ipc: "private",
          ports: [{ container: 8080, host: 20_917, hostIp: "127.0.0.1", protocol: "tcp" }],
        },
        { SLOT: "3" },
      ),
    );
    const { Config, HostConfig } = await docker.getContainer(container.id).inspect();
    expect(Config).toMatchObject({ User: "1000:1000", StopSignal: "SIGINT", StopTimeout: 3 });
    expect(Config.Env).toContain("SLOT=3");
    expect(Config.Labels).toMatchObject({ team: "shop", [LABEL.slot]: "3" });
    expect(HostConfig).toMatchObject({
      NanoCpus: 500_000_000,
      Memory: 64 * 1024 * 1024,
      Init: true,
      CapAdd: ["NET_ADMIN"],
      PidMode: "host",
      IpcMode: "private",
      RestartPolicy: { Name: "unless-stopped" },
    });
    expect(container.restartsItself).toBe(true);
    expect(container.ports).toEqual([{ container: 8080, host: 20_917, hostIp: "127.0.0.1", protocol: "tcp" }]);
    expect(await (await fetch("http://127.0.0.1:20917/")).text()).toContain("slot=3");
  });

  it("has its slot's own volume, which stays when it is removed", async () => {
    const volume = aName("volume");
    onTestFinished(async () => void (await docker.getVolume(`${volume}-3`).remove()));
    const { id } = await engine.start(aCreation({ volumes: [`${volume}-{slot}:/data`, "/etc:/host-etc:ro"] }));
    const { Mounts } = await docker.getContainer(id).inspect();
    expect(Mounts.map(({ Name, Destination, RW }) => [Name, Destination, RW])).toEqual(
      expect.arrayContaining([
        [`${volume}-3`, "/data", true],
        [undefined, "/host-etc", false],
      ]),
    );
    await engine.remove(id);
    expect(await docker.getVolume(`${volume}-3`).inspect()).toMatchObject({ Name: `${volume}-3` });
  });

  it("is in all of its networks when it starts, and has the address of the first", async () => {
    const networks = [aName("net"), aName("net")];
    for (const Name of networks) {
      const network = await docker.createNetwork({ Name });
      onTestFinished(async () => void (await network.remove()));
    }
    const container = await started(aCreation({ networks }));
    const { NetworkSettings } = await docker.getContainer(container.id).inspect();
    expect(Object.keys(NetworkSettings.Networks).sort()).toEqual([...networks].sort());
    expect(container.address).toBe(NetworkSettings.Networks[networks[0] ?? ""]?.IPAddress);
    expect(await engine.list(everything)).toEqual([container]);
  });

  it("has no address of its own in the host's network", async () => {
    const ports = [{ container: 8080, host: null, hostIp: null, protocol: "tcp" }] as const;
    const container = await started(aCreation({ networks: ["host"], ports }, { PORT: "20918" }));
    expect(container).toMatchObject({ address: null, ports: [] });
    await until("its page", () =>
      fetch("http://127.0.0.1:20918/").then(
        (response) => response.ok,
        () => false,
      ),
    );
  });

  it("is refused when its host port is taken, with the engine's reason, and leaves nothing behind", async () => {
    const ports = [{ container: 8080, host: 20_919, hostIp: "127.0.0.1", protocol: "tcp" }] as const;
    await started(aCreation({ ports }));
    const second = aCreation({ ports });
    expect(await refusal(engine.start(second))).toMatch(/^refused: .*(already allocated|already in use)/);
    expect(await engine.inspect(second.name)).toBeNull();
  });

  it.each<[string, Partial<ContainerTemplate>]>([
    ["a program that is not there", { entrypoint: ["/bin/nowhere"] }],
    ["a network that is not there", { networks: ["heal-nowhere"] }],
    ["a second network that is not there", { networks: ["bridge", "heal-nowhere"] }],
    ["a volume that is none", { volumes: ["not/a/path"] }],
    ["less memory than Docker gives", { resources: { cpus: null, memoryBytes: 1_024 } }],
  ])("is refused with %s, and leaves nothing behind", async (_name, changes) => {
    const creation = aCreation(changes);
    expect(await refusal(engine.start(creation))).toMatch(/^refused: /);
    expect(await engine.inspect(creation.name)).toBeNull();
  });

  it("tells its health by list, inspection and event", async () => {
    const healthcheck = {
      command: ["/bin/busybox", "test", "-e", "/tmp/www/healthz"],
      intervalMs: 200,
      timeoutMs: 1_000,
    };
    const creation = aCreation({ healthcheck: { ...healthcheck, retries: 1, startPeriodMs: 0 } });
    const events: EngineEvent[] = [];
    const abort = new AbortController();
    const followed = engine.follow(
      abort.signal,
      () => undefined,
      (event) => void (event.name === creation.name && events.push(event)),
    );
    onTestFinished(async () => {
      abort.abort();
      await followed;
    });
    const { id } = await started(creation);
    const listedHealth = async () => (await engine.list(everything)).find((one) => one.id === id)?.health;
    await until("healthy", async () => (await listedHealth()) === "healthy");
    expect((await engine.inspect(id))?.health).toBe("healthy");
    const execution = await docker.getContainer(id).exec({ Cmd: ["/bin/unhealthy"] });
    await execution.start({ Detach: true });
    await until("unhealthy", async () => (await listedHealth()) === "unhealthy");
    expect((await engine.inspect(id))?.health).toBe("unhealthy");
    await until("both events", () => events.filter((event) => event.kind === "health").length >= 2);
    expect(events.flatMap((event) => event.health ?? [])).toEqual(["healthy", "unhealthy"]);
  });

  it("shows its last lines", async () => {
    const words = "echo one; echo two >&2; echo three; exec sleep 60";
    const { id } = await started(aCreation({ entrypoint: ["/bin/busybox", "sh", "-c", words] }));
    await until("its output", async () => (await engine.lastOutput(id, 10)).includes("three"));
    const lines = (await engine.lastOutput(id, 2)).trim().split("\n").sort();
    expect(lines).toHaveLength(2);
    expect(["one", "two", "three"]).toEqual(expect.arrayContaining(lines));
  });

  it("that is taken away again and again leaves nothing of the list's memory behind", async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      const { id } = await engine.start(aCreation({}));
      expect((await engine.list(everything)).map((container) => container.id)).toEqual([id]);
      await docker.getContainer(id).remove({ force: true });
      expect(await engine.list(everything)).toEqual([]);
    }
  });
});
