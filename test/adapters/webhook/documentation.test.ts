import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { webhookNotifier } from "../../../src/adapters/webhook/generic.ts";
import { checkTemplate } from "../../../src/adapters/webhook/template.ts";
import { secret } from "../../../src/model/secret.ts";
import { settingsOf } from "../../settings/support.ts";
import { aHostileMessage, aMessage } from "./messages.ts";
import type { Behaviour, Receiver } from "./receiver.ts";
import { answer, startReceiver } from "./receiver.ts";

const page = readFileSync(new URL("../../../docs/alerts.md", import.meta.url), "utf8");

/** The channel and the template that stand under a heading of the page. */
function recipe(heading: string): {
  readonly channel: { readonly contentType: string; readonly url: string };
  readonly template: string;
} {
  const text = page.split(`### ${heading}\n`)[1]?.split("\n## ")[0]?.split("\n### ")[0] ?? "";
  const block = (language: string): string => new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(text)?.[1] ?? "";
  return { channel: JSON.parse(block("json")), template: block("liquid") };
}

describe("the recipes of the documentation", () => {
  let receiver: Receiver | null = null;
  afterEach(() => receiver?.close());

  const gateways: readonly (readonly [string, Behaviour, (body: string) => readonly (string | undefined)[]])[] = [
    [
      "SMS by Twilio",
      answer(201, { sid: "SM1", status: "queued", error_code: null }),
      (body) => ["To", "From", "Body"].map((name) => new URLSearchParams(body.trim()).get(name) ?? undefined),
    ],
    [
      "SMS by Plivo",
      answer(202, { message: "message(s) queued", message_uuid: ["1"] }),
      (body) => {
        const { dst, src, text } = JSON.parse(body) as Record<string, string>;
        return [dst, src, text];
      },
    ],
  ];

  it.each(gateways)("send what the gateway wants: %s", async (heading, behaviour, fields) => {
    const { channel, template } = recipe(heading);
    expect(checkTemplate(template, channel.contentType)).toEqual([]);
    receiver = await startReceiver(() => behaviour);
    const path = new URL(channel.url).pathname;
    const notifier = webhookNotifier({
      name: "sms",
      url: secret(receiver.url + path),
      method: "POST",
      headers: { Authorization: secret("Basic eDp5") },
      template: { text: template },
      contentType: channel.contentType,
    });
    for (const message of [aMessage(), aHostileMessage()]) {
      expect(await notifier.send(message, AbortSignal.timeout(5_000))).toEqual({ kind: "taken" });
    }
    notifier.close();
    const [plain, hostile] = receiver.received.map(({ body }) => fields(body));
    expect(plain).toEqual([
      expect.stringContaining("+49"),
      expect.stringContaining("+1"),
      "[heal live] WARNING web: 1 more than asked for (4 of 3)",
    ]);
    // Who is called does not depend on what a name says, nor does the number of messages that are paid for.
    expect(hostile?.slice(0, 2)).toEqual(plain?.slice(0, 2));
    expect(hostile?.[2]?.length).toBeLessThanOrEqual(140);
  });

  it("are settings that are taken", async () => {
    const channels = Object.fromEntries(gateways.map(([heading], index) => [`sms-${index}`, recipe(heading).channel]));
    const files = Object.fromEntries([
      ["/shop/secrets/twilio-basic", "Basic x"],
      ["/shop/secrets/plivo-basic", "Basic x"],
      ["/shop/twilio.liquid", "x"],
      ["/shop/plivo.liquid", "x"],
    ]);
    const settings = await settingsOf({ alerts: { channels } }, {}, files);
    expect(Object.values(settings.alerts.channels).map(({ kind }) => kind)).toEqual(["webhook", "webhook"]);
  });
});

it("the example of routes in the documentation is taken as settings", async () => {
  const text = /## Routes and channels\n+```json\n([^]*?)```/.exec(page)?.[1] ?? "";
  const variables = { DINGTALK_URL: "https://oapi.dingtalk.com/robot/send?access_token=x", DINGTALK_SECRET: "SECx" };
  const settings = await settingsOf(text, { variables });
  expect(settings.alerts.routes["default"]).toMatchObject({
    critical: ["ops-mail", "ops-chat"],
    fallback: ["ops-chat"],
    quietHours: { fromMinute: 1_320, toMinute: 420 },
  });
});
