import { describe, expect, it } from "vitest";
import { parseEndpoint } from "../../../src/adapters/docker/endpoint.ts";

const parse = (address: string, tlsDirectory: string | null = null) => parseEndpoint({ address, tlsDirectory });

describe("an engine's address", () => {
  it("is a socket of this machine", () => {
    expect(parse("unix:///run/user/1000/docker.sock")).toEqual({ kind: "unix", path: "/run/user/1000/docker.sock" });
    expect(parse("unix://")).toEqual({ kind: "unix", path: "/var/run/docker.sock" });
  });

  it("is a host with Docker's usual ports, with and without TLS", () => {
    expect(parse("tcp://192.0.2.1")).toEqual({ kind: "tcp", hostname: "192.0.2.1", port: 2375, tls: null });
    expect(parse("tcp://h1:2376", "/certs")).toMatchObject({ port: 2376, tls: { directory: "/certs" } });
    expect(parse("tcp://h1", "/certs")).toMatchObject({ port: 2376, tls: { directory: "/certs" } });
    expect(parse("tcp://[2001:db8::1]:2375")).toMatchObject({ hostname: "2001:db8::1", port: 2375 });
    expect(parse("https://proxy.example")).toMatchObject({ port: 443, tls: { directory: null } });
    expect(parse("http://127.0.0.1:8080")).toMatchObject({ port: 8080, tls: null });
  });

  it("is a socket behind ssh", () => {
    const ssh = { kind: "ssh", user: null, hostname: "h1", port: null, remoteSocket: "/var/run/docker.sock" };
    expect(parse("ssh://h1")).toEqual(ssh);
    expect(parse("ssh://ops@h1:2222/run/docker.sock")).toEqual({
      ...ssh,
      user: "ops",
      port: 2222,
      remoteSocket: "/run/docker.sock",
    });
  });

  it.each([
    "",
    "h1",
    "/var/run/docker.sock",
    "npipe:////./pipe/docker",
    "tcp://",
    "ssh://-oProxyCommand=x",
    "ssh://-l@h1",
  ])("is not %j", (address) => {
    expect(() => parse(address)).toThrow(/engine address/);
  });
});
