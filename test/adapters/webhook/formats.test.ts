import { createHmac } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { alertmanagerNotifier } from "../../../src/adapters/webhook/alertmanager.ts";
import { harmless } from "../../../src/adapters/webhook/chat-text.ts";
import { dingtalkNotifier } from "../../../src/adapters/webhook/dingtalk.ts";
import { feishuNotifier } from "../../../src/adapters/webhook/feishu.ts";
import { slackNotifier } from "../../../src/adapters/webhook/slack.ts";
import { unusableNotifier } from "../../../src/adapters/webhook/unusable.ts";
import { wecomNotifier } from "../../../src/adapters/webhook/wecom.ts";
import { secret } from "../../../src/model/secret.ts";
import type { Message, Notifier } from "../../../src/ports/notifier.ts";
import { aHostileMessage, aMessage } from "./messages.ts";
import type { Received, Receiver } from "./receiver.ts";
import { answer, startReceiver } from "./receiver.ts";

let receiver: Receiver | null = null;
afterEach(() => receiver?.close());

async function sent(
  make: (url: string) => Notifier,
  message: Message,
  reply: unknown = { errcode: 0, code: 0 },
): Promise<Received> {
  receiver = await startReceiver(() => answer(200, reply as string));
  const notifier = make(receiver.url);
  expect(await notifier.send(message, AbortSignal.timeout(5_000))).toEqual({ kind: "taken" });
  notifier.close();
  const [one] = receiver.received;
  if (one === undefined) throw new Error("nothing was received");
  return one;
}

describe("DingTalk", () => {
  const KEY = "SECabc";

  it("is signed with the time in milliseconds, in the address, beside the token", async () => {
    const make = (url: string) =>
      dingtalkNotifier({ name: "d", url: secret(`${url}/robot/send?access_token=t`), secret: secret(KEY) });
    const { path, query } = await sent(make, aMessage());
    const timestamp = query.get("timestamp") ?? "";
    expect(path).toBe("/robot/send");
    expect(query.get("access_token")).toBe("t");
    expect(Math.abs(Number(timestamp) - Date.now())).toBeLessThan(60_000);
    expect(query.get("sign")).toBe(createHmac("sha256", KEY).update(`${timestamp}\n${KEY}`, "utf8").digest("base64"));
  });

  it("is not signed without a key", async () => {
    const { query } = await sent((url) => dingtalkNotifier({ name: "d", url: secret(url), secret: null }), aMessage());
    expect([...query.keys()]).toEqual([]);
  });

  it("gets a title for the locked screen and a text, and mentions nobody", async () => {
    const { body } = await sent((url) => dingtalkNotifier({ name: "d", url: secret(url), secret: null }), aMessage());
    expect(JSON.parse(body)).toMatchObject({
      msgtype: "markdown",
      markdown: { title: "[heal live] WARNING web: 1 more than asked for (4 of 3)" },
      at: { isAtAll: false, atMobiles: [], atUserIds: [] },
    });
    expect(JSON.parse(body).markdown.text).toMatch(
      /^\*\*\[heal live] WARNING.*\*\*\n\nweb runs 4 instances.*\n\n\*\*What heal does\*\*\n\n- Stops nothing/,
    );
  });

  it("gets less often than it allows, so that a restart is allowed for", () => {
    expect(dingtalkNotifier({ name: "d", url: secret("http://x"), secret: null }).limits?.rate).toEqual({
      messages: 10,
      perMs: 60_000,
    });
  });
});

describe("Feishu", () => {
  it("is signed over nothing with the time in seconds as part of the key, in the body", async () => {
    const { body, query } = await sent(
      (url) => feishuNotifier({ name: "f", url: secret(url), secret: secret("k") }),
      aMessage(),
    );
    const { timestamp, sign } = JSON.parse(body);
    expect(Math.abs(Number(timestamp) - Date.now() / 1_000)).toBeLessThan(60);
    expect(sign).toBe(createHmac("sha256", `${timestamp}\nk`).digest("base64"));
    expect([...query.keys()]).toEqual([]);
  });

  it("gets plain pieces of text, one to a line", async () => {
    const { body } = await sent(
      (url) => feishuNotifier({ name: "f", url: secret(url), secret: null }),
      aHostileMessage(),
    );
    const { post } = JSON.parse(body).content;
    expect(post.en_us.content.flat().every((piece: { tag: string }) => piece.tag === "text")).toBe(true);
  });

  it("may answer the older way", async () => {
    await sent((url) => feishuNotifier({ name: "f", url: secret(url), secret: null }), aMessage(), {
      StatusCode: 0,
      StatusMessage: "success",
    });
  });
});

describe("WeCom", () => {
  it("gets no more than the 4096 bytes it takes, whatever the length and the alphabet", async () => {
    const wide = aMessage({ body: [{ heading: "", lines: Array.from({ length: 60 }, () => "网".repeat(80)) }] });
    for (const message of [aHostileMessage(), wide]) {
      const { body } = await sent((url) => wecomNotifier({ name: "w", url: secret(url) }), message);
      const { content } = JSON.parse(body).markdown;
      expect(Buffer.byteLength(content)).toBeLessThanOrEqual(4_096);
      expect(content).toMatch(/…$/);
      await receiver?.close();
    }
  });

  it("takes a digest of as many as are joined, whole", async () => {
    const lines = Array.from({ length: 20 }, (_, index) => `CRITICAL ${"x".repeat(150)}${index}`);
    const { body } = await sent(
      (url) => wecomNotifier({ name: "w", url: secret(url) }),
      aMessage({
        kind: "digest",
        body: [
          { heading: "", lines: ["20 alerts"] },
          { heading: "Firing", lines },
        ],
      }),
    );
    expect(JSON.parse(body).markdown.content).toContain("x19");
  });
});

describe("Slack", () => {
  it("gets a text, and the rest in the colour of its state, and makes no mention of names", async () => {
    const make = (url: string) => slackNotifier({ name: "s", url: secret(url) });
    const firing = JSON.parse((await sent(make, aMessage(), "ok")).body);
    await receiver?.close();
    const over = JSON.parse((await sent(make, aMessage({ state: "resolved" }), "ok")).body);
    expect(firing).toMatchObject({
      link_names: 0,
      parse: "none",
      text: "*[heal live] WARNING web: 1 more than asked for (4 of 3)*",
    });
    expect(firing.attachments[0].text).toContain("• `heal why web` lists the instances");
    expect(firing.attachments[0].color).not.toBe(over.attachments[0].color);
  });
});

describe("Alertmanager", () => {
  const make = (url: string) =>
    alertmanagerNotifier({ name: "a", url: secret(`${url}/prefix/`), token: secret("t0ken") });

  it("gets labels that stay the same, annotations, and an end that lies ahead while it fires", async () => {
    const { path, headers, body } = await sent(make, aMessage(), "");
    const [alert] = JSON.parse(body);
    expect(path).toBe("/prefix/api/v2/alerts");
    expect(headers.authorization).toBe("Bearer t0ken");
    expect(alert.labels).toEqual({
      alertname: "HealSurplus",
      environment: "live",
      subject: "web",
      service: "web",
      severity: "warning",
      heal_key: "live/surplus/web",
    });
    expect(alert.annotations.what).toContain("web runs 4 instances");
    expect(alert.startsAt).toBe("2023-11-15T03:11:00.000Z");
    const endsInMs = Date.parse(alert.endsAt) - Date.now();
    expect(endsInMs).toBeGreaterThan(3 * 60_000);
    expect(endsInMs).toBeLessThan(5 * 60_000);
  });

  it("gets the same labels and the end when it is over", async () => {
    const { body } = await sent(make, aMessage({ state: "resolved", title: "other", atMs: 1_700_018_999_000 }), "");
    const [alert] = JSON.parse(body);
    expect(alert.labels).toMatchObject({ alertname: "HealSurplus", heal_key: "live/surplus/web" });
    expect(alert.endsAt).toBe("2023-11-15T03:29:59.000Z");
  });

  it("never gets an end before the beginning or after now, whatever the clocks say", async () => {
    const { body } = await sent(make, aMessage({ state: "resolved", sinceMs: 9e12, atMs: 9e12 }), "");
    const [alert] = JSON.parse(body);
    expect(Date.parse(alert.endsAt)).toBeLessThanOrEqual(Date.now());
    expect(Date.parse(alert.startsAt)).toBeLessThan(Date.parse(alert.endsAt));
  });
});

describe("a text for a chat", () => {
  it.each([
    ["@all and @所有人", "＠all and ＠所有人"],
    ["<!channel> <@U1> <at user_id='all'>", "＜!channel＞ ＜＠U1＞ ＜at user_id='all'＞"],
    ["[bank](http://evil.example)", "[bank] (http://evil.example)"],
    ["[a][b]", "[a] [b]"],
    ["# big **bold** ~~gone~~ &amp;", "＃ big ＊＊bold＊＊ ～～gone～～ ＆amp;"],
  ])("has no orders in it: %s", (text, shown) => {
    expect(harmless(text)).toBe(shown);
  });

  it("keeps our commands as they are", () => {
    expect(harmless('`heal silence web --for 2h --why "…"` keeps')).toBe('`heal silence web --for 2h --why "…"` keeps');
  });
});

it("an unusable channel says what keeps it from working, for good, and touches nothing", async () => {
  const notifier = unusableNotifier({ name: "chat", wanted: "dingtalk", reason: "secrets/dingtalk cannot be read" });
  expect(notifier).toMatchObject({ name: "chat", kind: "dingtalk" });
  expect(await notifier.send(aMessage(), AbortSignal.timeout(1))).toEqual({
    kind: "failed",
    reason: "secrets/dingtalk cannot be read",
    retryAfterMs: null,
    permanent: true,
  });
});
