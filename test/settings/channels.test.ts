import { describe, expect, it } from "vitest";
import type { ChannelSettings } from "../../src/settings/settings.ts";
import { load, problemsOf, settingsOf } from "./support.ts";

const to = { from: "heal@shop.example", to: ["ops@shop.example"] };

describe("a mail channel", () => {
  it.each([
    [
      { smtp: "smtp://mail:2525" },
      { host: "mail", port: 2525, encryption: "opportunistic", user: null, password: null },
    ],
    [
      { smtp: "smtp://mail", startTls: "required" },
      { port: 25, encryption: "required" },
    ],
    [{ smtp: "smtp://mail", startTls: "never" }, { encryption: "none" }],
    [{ smtp: "smtps://me%40x@mail" }, { port: 465, encryption: "implicit", user: "me@x" }],
    [{ smtp: "smtp://[::1]:25" }, { host: "::1" }],
  ])("with %j is %j", async (file, expected) => {
    expect(await channel({ kind: "mail", ...to, ...file })).toMatchObject(expected);
  });

  it("takes its whole address from a reference, password included", async () => {
    const mail = await channel({ kind: "mail", ...to, smtp: { env: "SMTP" } }, { SMTP: "smtps://me:p%40ss@mail" });
    expect(mail).toMatchObject({ kind: "mail", user: "me", host: "mail" });
    expect(mail.kind === "mail" && mail.password?.reveal()).toBe("p@ss");
  });

  it("has certificates of its own", async () => {
    const file = { kind: "mail", ...to, smtp: "smtp://mail", tls: { ca: "ca.pem" } };
    expect(await channel(file, {}, { "/shop/ca.pem": "CA" })).toMatchObject({ tls: { ca: "CA", verify: true } });
    expect(await channel(file)).toMatchObject({ kind: "unusable", reason: "/shop/ca.pem does not exist" });
  });
});

describe("other channels", () => {
  it.each([
    [{ kind: "slack", url: { env: "URL" } }, { kind: "slack" }],
    [{ kind: "dingtalk", url: { env: "URL" }, secret: { env: "KEY" } }, { kind: "dingtalk" }],
    [
      { kind: "feishu", url: { env: "URL" } },
      { kind: "feishu", secret: null },
    ],
    [
      { kind: "wecom", url: { env: "URL" } },
      { kind: "wecom", secret: null },
    ],
    [
      { kind: "alertmanager", url: "http://alertmanager:9093", timeout: "3s" },
      { kind: "alertmanager", token: null, timeoutMs: 3_000 },
    ],
    [
      { kind: "webhook", url: "https://sms.example/send" },
      { kind: "webhook", method: "POST", contentType: "application/json", template: null, attempts: 3, accept: null },
    ],
    [
      { kind: "webhook", url: "https://sms.example/send", accept: { field: "code", equals: 0 } },
      { kind: "webhook", accept: { field: "code", equals: 0 }, tls: null, proxy: null },
    ],
  ])("%j are %j", async (file, expected) => {
    expect(await channel(file, { URL: "https://chat.example/hook", KEY: "k" })).toMatchObject(expected);
  });
});

describe("the way to a channel's receiver", () => {
  const chat = { kind: "slack", url: { env: "URL" } };
  const variables = { URL: "https://chat.example/hook", PROXY: "http://me:p@proxy:3128" };

  it("has an authority and a proxy of its own", async () => {
    const file = { ...chat, tls: { ca: "ca.pem" }, proxy: { env: "PROXY" } };
    const found = await channel(file, variables, { "/shop/ca.pem": "CA" });
    expect(found).toMatchObject({ kind: "slack", tls: { ca: "CA", verify: true } });
    expect("proxy" in found && found.proxy?.reveal()).toBe("http://me:p@proxy:3128");
  });

  it.each([
    [{ ...chat, tls: { ca: "gone.pem" } }, "/shop/gone.pem does not exist"],
    [{ ...chat, proxy: "socks5://proxy:1080" }, "its proxy is not an http:// or https:// address"],
  ])("of %j cannot be gone", async (file, reason) => {
    expect(await channel(file, variables)).toMatchObject({ kind: "unusable", reason });
  });
});

describe("a secret written into the file", () => {
  it.each([
    [{ kind: "slack", url: "https://hooks.example/hunter2" }],
    [{ kind: "dingtalk", url: { env: "URL" }, secret: "hunter2" }],
    [{ kind: "mail", ...to, smtp: "smtp://mail", password: "hunter2" }],
    [{ kind: "mail", ...to, smtp: "smtp://me:hunter2@mail" }],
    [{ kind: "webhook", url: "https://me:hunter2@sms.example" }],
    [{ kind: "webhook", url: "https://sms.example", headers: { Authorization: "Bearer hunter2" } }],
    [{ kind: "alertmanager", url: "https://me:hunter2@alerts.example" }],
    [{ kind: "slack", url: { env: "hunter2 hunter2" } }],
    [{ kind: "webhook", url: "https://sms.example", proxy: "http://me:hunter2@proxy:3128" }],
  ])("%j is refused with how to do it, and not shown", async (file) => {
    const problems = await problemsOf({ alerts: { channels: { a: file } } });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/reference|never written|a variable's name/);
    expect(problems.join()).not.toContain("hunter2");
  });

  it.each([
    ["Consul's token", { environments: { a: { consul: { token: "hunter2" } } } }],
    ["the server's token", { server: { token: "hunter2" } }],
    ["Consul's address", { environments: { a: { consul: { address: "http://me:hunter2@consul" } } } }],
    ["an engine's address", { environments: { a: { hosts: { h: { docker: "ssh://me:hunter2@h" } } } } }],
  ])("as %s is refused and not shown", async (_what, file) => {
    const problems = await problemsOf(file);
    expect(problems).toHaveLength(1);
    expect(problems.join()).not.toContain("hunter2");
  });
});

describe("a secret that cannot be read", () => {
  it.each([
    [{ file: "gone" }, {}, "/shop/gone does not exist"],
    [{ file: "empty" }, {}, "/shop/empty is empty"],
    [{ file: "lines" }, {}, "/shop/lines holds more than one line of text"],
    [{ env: "GONE" }, {}, "the variable GONE is not set"],
    [{ env: "EMPTY" }, { EMPTY: " " }, "the variable EMPTY is empty"],
  ])("%j is told, and refused where heal needs it", async (token, variables, reason) => {
    const files = { "/shop/empty": "\n", "/shop/lines": "a\nb" };
    expect(await problemsOf({ server: { token } }, { variables }, files)).toEqual([
      `/shop/heal.json:3:14: ${reason} (expected a secret that can be read)`,
    ]);
  });
});

async function channel(
  file: unknown,
  variables: Readonly<Record<string, string>> = {},
  others: Readonly<Record<string, string>> = {},
): Promise<ChannelSettings> {
  const { alerts } = await settingsOf({ alerts: { channels: { a: file } } }, { variables }, others);
  const found = alerts.channels["a"];
  if (found === undefined) throw new Error("the channel is gone");
  return found;
}

it("an unusable channel comes with a warning at its place", async () => {
  const file = JSON.stringify({ alerts: { channels: { a: { kind: "slack", url: { env: "GONE" } } } } }, null, 2);
  const loaded = await load({ "/shop/heal.json": file });
  expect(loaded).toMatchObject({
    kind: "valid",
    warnings: [{ line: 4, column: 12, message: "the channel cannot be used: the variable GONE is not set" }],
  });
});
