import { describe, expect, it } from "vitest";
import { createBody, furtherNetworks } from "../../../src/adapters/docker/create-body.ts";
import type { ContainerTemplate } from "../../../src/model/service.ts";
import { aTemplate } from "../../builders/template.ts";

const body = (changes: Partial<ContainerTemplate>) =>
  createBody({
    name: "x",
    slot: 3,
    template: aTemplate("web:1", { ports: [], ...changes }),
    environment: { A: "1", B: "x=y" },
    labels: { "heal.slot": "3" },
  });

describe("the engine's body for a creation", () => {
  it("says no more than the template does", () => {
    expect(body({ stopGraceMs: 1_500 })).toEqual({
      Image: "web:1",
      StopTimeout: 2,
      Env: ["A=1", "B=x=y"],
      Labels: { "heal.slot": "3" },
      ExposedPorts: {},
      HostConfig: {
        NetworkMode: "default",
        PortBindings: {},
        Binds: [],
        RestartPolicy: { Name: "no" },
        Init: false,
        Privileged: false,
        CapAdd: [],
      },
    });
  });

  it("says everything that the template says", () => {
    const full = body({
      command: ["serve"],
      entrypoint: ["/bin/app"],
      user: "1000:1000",
      stopSignal: "SIGINT",
      labels: { team: "shop", "heal.slot": "99" },
      volumes: ["data-{slot}:/data", "/etc/localtime:/etc/localtime:ro"],
      networks: ["shop", "metrics"],
      ports: [
        { container: 8000, host: null, hostIp: null, protocol: "tcp" },
        { container: 8000, host: 80, hostIp: "127.0.0.1", protocol: "tcp" },
        { container: 53, host: 53, hostIp: null, protocol: "udp" },
      ],
      resources: { cpus: 0.5, memoryBytes: 268_435_456 },
      healthcheck: { command: ["/bin/check"], intervalMs: 500, timeoutMs: 1_000, retries: 3, startPeriodMs: 0 },
      restart: "on-failure",
      init: true,
      privileged: true,
      pid: "host",
      ipc: "shareable",
      capabilitiesAdd: ["NET_ADMIN"],
    });
    expect(full).toEqual({
      Image: "web:1",
      Cmd: ["serve"],
      Entrypoint: ["/bin/app"],
      User: "1000:1000",
      StopSignal: "SIGINT",
      StopTimeout: 2,
      Healthcheck: {
        Test: ["CMD", "/bin/check"],
        Interval: 500_000_000,
        Timeout: 1_000_000_000,
        StartPeriod: 0,
        Retries: 3,
      },
      Env: ["A=1", "B=x=y"],
      Labels: { team: "shop", "heal.slot": "3" },
      ExposedPorts: { "8000/tcp": {}, "53/udp": {} },
      HostConfig: {
        NetworkMode: "shop",
        PortBindings: {
          "8000/tcp": [
            { HostIp: "", HostPort: "" },
            { HostIp: "127.0.0.1", HostPort: "80" },
          ],
          "53/udp": [{ HostIp: "", HostPort: "53" }],
        },
        Binds: ["data-3:/data", "/etc/localtime:/etc/localtime:ro"],
        RestartPolicy: { Name: "on-failure" },
        Init: true,
        Privileged: true,
        CapAdd: ["NET_ADMIN"],
        PidMode: "host",
        IpcMode: "shareable",
        NanoCpus: 500_000_000,
        Memory: 268_435_456,
      },
    });
  });

  it("publishes nothing where the network is the host's", () => {
    const ports = [{ container: 8000, host: 80, hostIp: null, protocol: "tcp" }] as const;
    for (const network of ["host", "none", "container:web"]) {
      const { ExposedPorts, HostConfig } = body({ networks: [network], ports });
      expect([ExposedPorts, HostConfig.PortBindings]).toEqual([{}, {}]);
      expect(HostConfig.NetworkMode).toBe(network);
    }
  });

  it("leaves a check in Docker's own form as it is", () => {
    const check = { intervalMs: 1, timeoutMs: 1, retries: 1, startPeriodMs: 0 };
    const test = (command: readonly string[]) => body({ healthcheck: { ...check, command } }).Healthcheck?.Test;
    expect(test(["CMD-SHELL", "true || false"])).toEqual(["CMD-SHELL", "true || false"]);
    expect(test(["CMD", "true"])).toEqual(["CMD", "true"]);
    expect(test(["NONE"])).toEqual(["NONE"]);
  });

  it("leaves further networks to be connected before the start", () => {
    expect(furtherNetworks(aTemplate("web:1", { networks: ["shop", "metrics", "logs"] }))).toEqual(["metrics", "logs"]);
    expect(furtherNetworks(aTemplate("web:1"))).toEqual([]);
  });
});
