import { afterEach, describe, expect, it } from "vitest";
import { webhookNotifier } from "../../../src/adapters/webhook/generic.ts";
import { checkTemplate, compileTemplate } from "../../../src/adapters/webhook/template.ts";
import { secret } from "../../../src/model/secret.ts";
import { aHostileMessage, aMessage } from "./messages.ts";
import type { Receiver } from "./receiver.ts";
import { startReceiver } from "./receiver.ts";

const JSON_TYPE = "application/json";
const FORM = "application/x-www-form-urlencoded";

describe("a template", () => {
  it("sees everything a message has", () => {
    const template = compileTemplate(
      "{{id}}|{{key}}|{{kind}}|{{subject}}|{{state}}|{{severity}}|{{environment}}|{{title}}|{{what}}|{{since}}|{{at}}|{{services | join: ','}}|{{sections[1].heading}}|{{sections[1].lines[0]}}",
    );
    expect(template(aMessage()).split("|")).toEqual([
      "live/surplus/web@1700017860000#1",
      "live/surplus/web",
      "surplus",
      "web",
      "firing",
      "warning",
      "live",
      "[heal live] WARNING web: 1 more than asked for (4 of 3)",
      "web runs 4 instances, 1 more than the 3 asked for, since 03:11 UTC (5m).",
      "2023-11-15T03:11:00.000Z",
      "2023-11-15T03:16:00.000Z",
      "web",
      "What heal does",
      "Stops nothing: which one is too many is for a person to say.",
    ]);
  });

  it("gives whole JSON for the nastiest texts, when it is written with the json filter", () => {
    const text =
      '{"text": {{ text | json }}, "title": {{ title | json }}, "down": {% if state == "firing" %}true{% else %}false{% endif %}}';
    expect(checkTemplate(text, JSON_TYPE)).toEqual([]);
    expect(JSON.parse(compileTemplate(text)(aHostileMessage()))).toMatchObject({
      title: aHostileMessage().title,
      down: true,
    });
  });

  it.each([
    ["an unknown name", "{{ titel }}", "text/plain", { line: 1, column: 4, message: expect.stringContaining("titel") }],
    ["an unknown filter", "a\nb {{ title | jsn }}", "text/plain", { line: 2, message: expect.stringContaining("jsn") }],
    [
      "a tag that is not closed",
      "{% if state == 'firing' %}",
      "text/plain",
      { line: 1, message: expect.stringContaining("if") },
    ],
    ["a file of the machine", "{% include '/etc/passwd' %}", "text/plain", { line: 1 }],
    ["a file by another tag", "{% render 'x' %}", "text/plain", { line: 1 }],
    [
      "no JSON where JSON is promised",
      "hello {{ title }}",
      JSON_TYPE,
      { message: expect.stringContaining("does not give valid JSON") },
    ],
    [
      "JSON that quotes break",
      '{"t": "{{ title }}"}',
      JSON_TYPE,
      { message: expect.stringContaining("{{ title | json }}") },
    ],
    [
      "a form that ampersands break",
      "to=1&text={{ title }}",
      FORM,
      { message: expect.stringContaining("{{ title | url_encode }}") },
    ],
    [
      "work without end",
      "{% for i in (1..100000000) %}x{% endfor %}",
      "text/plain",
      { message: expect.stringContaining("limit") },
    ],
  ])("is refused beforehand, with its place, for %s", (_what, text, contentType, problem) => {
    expect(checkTemplate(text, contentType)).toEqual([expect.objectContaining(problem)]);
  });

  it.each([
    ["a form", "to=1&text={{ title | url_encode }}", FORM],
    ["plain text", "{{ title }}\n{{ text }}", "text/plain"],
  ])("is accepted as %s", (_what, text, contentType) => {
    expect(checkTemplate(text, contentType)).toEqual([]);
  });

  it("does not reach into what texts inherit", () => {
    expect(checkTemplate("{{ title.constructor }}", "text/plain")).toHaveLength(1);
    expect(checkTemplate("{{ services.constructor.constructor }}", "text/plain")).toHaveLength(1);
  });
});

describe("the webhook channel", () => {
  let receiver: Receiver | null = null;
  afterEach(() => receiver?.close());

  const options = {
    name: "w",
    method: "PUT" as const,
    headers: { Authorization: secret("Basic eDp5") },
    template: null,
    contentType: JSON_TYPE,
  };

  it("sends what its template makes, by its method, with its headers", async () => {
    receiver = await startReceiver();
    const notifier = webhookNotifier({
      ...options,
      url: secret(`${receiver.url}/sms`),
      contentType: FORM,
      template: { text: "text={{ title | url_encode }}" },
    });
    expect(await notifier.send(aMessage(), AbortSignal.timeout(5_000))).toEqual({ kind: "taken" });
    expect(receiver.received).toMatchObject([
      {
        method: "PUT",
        path: "/sms",
        headers: { authorization: "Basic eDp5", "content-type": FORM },
        body: "text=%5Bheal+live%5D+WARNING+web%3A+1+more+than+asked+for+(4+of+3)",
      },
    ]);
    notifier.close();
  });

  it("sends everything as JSON without a template, with a version", async () => {
    receiver = await startReceiver();
    const notifier = webhookNotifier({ ...options, url: secret(receiver.url) });
    await notifier.send(aMessage(), AbortSignal.timeout(5_000));
    expect(JSON.parse(receiver.received[0]?.body ?? "")).toMatchObject({
      version: 1,
      key: "live/surplus/web",
      state: "firing",
      services: ["web"],
      sections: { length: 4 },
    });
    notifier.close();
  });

  it("takes user and password of its address for basic authentication, and not along in the address", async () => {
    receiver = await startReceiver();
    const url = receiver.url.replace("http://", "http://us%40er:p%3Ass@");
    const notifier = webhookNotifier({ ...options, headers: {}, url: secret(url) });
    expect(await notifier.send(aMessage(), AbortSignal.timeout(5_000))).toEqual({ kind: "taken" });
    expect(receiver.received[0]?.headers.authorization).toBe(`Basic ${Buffer.from("us@er:p:ss").toString("base64")}`);
    notifier.close();
  });

  it("says for good that its template fails, and asks nobody", async () => {
    receiver = await startReceiver();
    const notifier = webhookNotifier({ ...options, url: secret(receiver.url), template: { text: "{{ nothing }}" } });
    expect(await notifier.send(aMessage(), AbortSignal.timeout(5_000))).toMatchObject({
      kind: "failed",
      permanent: true,
      reason: expect.stringContaining("template"),
    });
    expect(receiver.received).toEqual([]);
    notifier.close();
  });
});
