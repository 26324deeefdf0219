import { describe, expect, it } from "vitest";
import { problemsOf, settingsOf } from "./support.ts";

describe("Consul's variables", () => {
  it.each([
    [{ CONSUL_HTTP_ADDR: "10.0.0.1:8500" }, "http://10.0.0.1:8500"],
    [{ CONSUL_HTTP_ADDR: "consul.example:8501", CONSUL_HTTP_SSL: "true" }, "https://consul.example:8501"],
    [{ CONSUL_HTTP_ADDR: "http://consul.example:8501", CONSUL_HTTP_SSL: "1" }, "https://consul.example:8501"],
    [{ CONSUL_HTTP_ADDR: "https://[::1]:8501/" }, "https://[::1]:8501"],
    [{ CONSUL_HTTP_ADDR: "unix:///run/consul.sock" }, "unix:///run/consul.sock"],
    [{ CONSUL_HTTP_ADDR: "" }, "http://127.0.0.1:8500"],
    [{ CONSUL_HTTP_SSL: "true" }, "https://127.0.0.1:8500"],
  ])("%j mean %s", async (variables, address) => {
    expect((await settingsOf(null, { variables })).consul.address).toBe(address);
  });

  it("give the address of the hosts' agents too", async () => {
    const { hosts } = await settingsOf(null, { variables: { CONSUL_HTTP_ADDR: "10.0.0.1:8500" } });
    expect(hosts["local"]?.consulAgent).toBe("http://10.0.0.1:8500");
  });

  it("give a token, and a token's file wins over it", async () => {
    const variables = { CONSUL_HTTP_TOKEN: "plain" };
    expect((await settingsOf(null, { variables })).consul.token?.reveal()).toBe("plain");
    const both = { ...variables, CONSUL_HTTP_TOKEN_FILE: "token" };
    expect(
      (await settingsOf(null, { variables: both }, { "/shop/token": "from-file\r\n" })).consul.token?.reveal(),
    ).toBe("from-file");
  });

  it("give certificates, as files relative to the working directory", async () => {
    const variables = {
      CONSUL_CACERT: "ca.pem",
      CONSUL_CLIENT_CERT: "/certs/cert.pem",
      CONSUL_CLIENT_KEY: "/certs/key.pem",
      CONSUL_TLS_SERVER_NAME: "server.dc1.consul",
      CONSUL_HTTP_SSL_VERIFY: "false",
    };
    const files = { "/shop/ca.pem": "CA", "/certs/cert.pem": "CERT", "/certs/key.pem": "KEY" };
    const { tls } = (await settingsOf(null, { variables }, files)).consul;
    expect(tls).toMatchObject({ ca: "CA", certificate: "CERT", serverName: "server.dc1.consul", verify: false });
    expect(tls?.key?.reveal()).toBe("KEY");
  });

  it.each([
    [{ CONSUL_HTTP_ADDR: "ftp://x" }, "$CONSUL_HTTP_ADDR:1:1: this is not an address of Consul"],
    [{ CONSUL_HTTP_ADDR: "http://user:hunter2@x" }, "$CONSUL_HTTP_ADDR:1:1: this is not an address of Consul"],
    [{ CONSUL_HTTP_SSL: "yes" }, "$CONSUL_HTTP_SSL:1:1: this is neither true nor false (expected true or false)"],
    [{ CONSUL_HTTP_TOKEN_FILE: "/gone" }, "$CONSUL_HTTP_TOKEN_FILE:1:1: /gone does not exist"],
    [
      { CONSUL_HTTP_TOKEN: "hunter2\r\nX-Evil: 1" },
      "$CONSUL_HTTP_TOKEN:1:1: the variable CONSUL_HTTP_TOKEN holds more than one line",
    ],
    [{ CONSUL_CACERT: "/gone" }, "$CONSUL_CACERT:1:1: /gone does not exist"],
    [
      { CONSUL_CAPATH: "/certs" },
      "$CONSUL_CAPATH:1:1: heal has no use for this variable (expected one file in CONSUL_CACERT)",
    ],
    [{ CONSUL_HTTP_AUTH: "u:hunter2" }, "$CONSUL_HTTP_AUTH:1:1: heal has no use for this variable"],
  ])("%j are refused, without showing what they hold", async (variables, problem) => {
    const problems = await problemsOf(null, { variables });
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems.join()).not.toContain("hunter2");
  });

  it("do not change what the file says, so that a shell left over cannot turn live into test", async () => {
    const file = { environments: { live: { consul: { address: "10.0.0.9:8500", token: { env: "LIVE" } } } } };
    const variables = {
      CONSUL_HTTP_ADDR: "10.0.0.1:8500",
      CONSUL_HTTP_SSL: "true",
      CONSUL_HTTP_TOKEN: "test-token",
      LIVE: "live-token",
    };
    const { consul } = await settingsOf(file, { variables });
    expect(consul.address).toBe("http://10.0.0.9:8500");
    expect(consul.token?.reveal()).toBe("live-token");
  });
});

describe("Docker's variables", () => {
  const certificates = { "/certs/ca.pem": "", "/certs/cert.pem": "", "/certs/key.pem": "" };

  it.each([
    [
      { DOCKER_HOST: "unix:///run/user/1000/docker.sock" },
      { address: "unix:///run/user/1000/docker.sock", tlsDirectory: null },
    ],
    [{ DOCKER_HOST: "10.0.0.1:2375" }, { address: "tcp://10.0.0.1:2375", tlsDirectory: null }],
    [{ DOCKER_HOST: "ssh://deploy@h1" }, { address: "ssh://deploy@h1", tlsDirectory: null }],
    [
      { DOCKER_HOST: "tcp://h1:2376", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/certs" },
      { address: "tcp://h1:2376", tlsDirectory: "/certs" },
    ],
    // The docker CLI takes any text for yes.
    [
      { DOCKER_HOST: "tcp://h1:2376", DOCKER_TLS_VERIFY: "0", DOCKER_CERT_PATH: "../certs" },
      { address: "tcp://h1:2376", tlsDirectory: "/certs" },
    ],
    [
      { DOCKER_HOST: "tcp://h1:2376", DOCKER_CERT_PATH: "/certs" },
      { address: "tcp://h1:2376", tlsDirectory: null },
    ],
    [
      { DOCKER_HOST: "", DOCKER_TLS_VERIFY: "1" },
      { address: "unix:///var/run/docker.sock", tlsDirectory: null },
    ],
  ])("%j mean %j", async (variables, docker) => {
    expect((await settingsOf(null, { variables }, certificates)).hosts["local"]?.docker).toEqual(docker);
  });

  it("have certificates in ~/.docker by default", async () => {
    expect(await problemsOf(null, { variables: { DOCKER_HOST: "tcp://h1:2376", DOCKER_TLS_VERIFY: "1" } })).toEqual([
      "$DOCKER_CERT_PATH:1:1: /home/me/.docker/ca.pem does not exist (expected a directory with ca.pem, cert.pem and key.pem)",
    ]);
  });

  it.each([
    "npipe:////./pipe/docker_engine",
    "fd://",
    "tcp://",
    "unix://docker.sock",
    "ssh://-oProxyCommand=evil",
    "ssh://u:hunter2@h1",
    "tcp://h1:2375/path",
  ])("refuse %s", async (DOCKER_HOST) => {
    const problems = await problemsOf(null, { variables: { DOCKER_HOST } });
    expect(problems).toEqual([expect.stringContaining("$DOCKER_HOST:1:1: this is not an engine's address")]);
    expect(problems.join()).not.toContain("hunter2");
  });

  it("do not matter to an environment that names its hosts", async () => {
    const file = { environments: { live: { hosts: { h1: {} } } } };
    const { hosts } = await settingsOf(file, { variables: { DOCKER_HOST: "tcp://elsewhere:2375" } });
    expect(hosts["h1"]?.docker.address).toBe("unix:///var/run/docker.sock");
  });
});
