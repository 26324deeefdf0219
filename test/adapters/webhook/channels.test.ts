import { afterEach, describe, expect, it } from "vitest";
import { alertmanagerNotifier } from "../../../src/adapters/webhook/alertmanager.ts";
import { dingtalkNotifier } from "../../../src/adapters/webhook/dingtalk.ts";
import { feishuNotifier } from "../../../src/adapters/webhook/feishu.ts";
import { webhookNotifier } from "../../../src/adapters/webhook/generic.ts";
import { slackNotifier } from "../../../src/adapters/webhook/slack.ts";
import { wecomNotifier } from "../../../src/adapters/webhook/wecom.ts";
import { secret } from "../../../src/model/secret.ts";
import type { Delivery, Notifier } from "../../../src/ports/notifier.ts";
import { aHostileMessage, aMessage } from "./messages.ts";
import type { Behaviour, Receiver } from "./receiver.ts";
import { answer, startReceiver } from "./receiver.ts";

/** Every kind over HTTP, with the tokens it is given and its receiver's own conventions. */
interface Kind {
  readonly kind: string;
  readonly make: (url: string) => Notifier;
  readonly wellDone: Behaviour;
  /** Errors in answers of status 200: the behaviour, and whether it is for good. */
  readonly insideOk: readonly (readonly [string, Behaviour, boolean])[];
  /** Whether an answer of status 200 that makes no sense counts as taken: where only the status is agreed upon. */
  readonly statusDecides: boolean;
}

const TOKEN = "T0KEN-f4k3-0123456789abcdef";
const KEY = "SECf4k3k3y0123456789";
const at = (url: string) => secret(`${url}/hook/${TOKEN}?access_token=${TOKEN}&key=${TOKEN}`);

const kinds: readonly Kind[] = [
  {
    kind: "slack",
    make: (url) => slackNotifier({ name: "c", url: at(url) }),
    wellDone: answer(200, "ok"),
    insideOk: [["its own refusal", answer(200, { ok: false, error: `invalid_token ${TOKEN}` }), true]],
    statusDecides: false,
  },
  {
    kind: "dingtalk",
    make: (url) => dingtalkNotifier({ name: "c", url: at(url), secret: secret(KEY) }),
    wellDone: answer(200, { errcode: 0, errmsg: "ok" }),
    insideOk: [
      ["a wrong signature", answer(200, { errcode: 310000, errmsg: `sign not match ${KEY} ${TOKEN}` }), true],
      [
        "too many messages",
        answer(200, { errcode: 130101, errmsg: "send too fast, exceed 20 times per minute" }),
        false,
      ],
      ["being busy", answer(200, { errcode: -1, errmsg: "system busy" }), false],
    ],
    statusDecides: false,
  },
  {
    kind: "wecom",
    make: (url) => wecomNotifier({ name: "c", url: at(url) }),
    wellDone: answer(200, { errcode: 0, errmsg: "ok" }),
    insideOk: [
      ["an unknown key", answer(200, { errcode: 93000, errmsg: `invalid webhook url, ${TOKEN}` }), true],
      ["too many messages", answer(200, { errcode: 45009, errmsg: "api freq out of limit" }), false],
    ],
    statusDecides: false,
  },
  {
    kind: "feishu",
    make: (url) => feishuNotifier({ name: "c", url: at(url), secret: secret(KEY) }),
    wellDone: answer(200, { code: 0, msg: "success", data: {} }),
    insideOk: [
      ["a wrong signature", answer(200, { code: 19021, msg: `sign match fail ${KEY}` }), true],
      ["too many messages", answer(200, { code: 11232, msg: "frequency limited" }), false],
      ["too many messages, the older way", answer(400, { code: 9499, msg: "too many request" }), false],
    ],
    statusDecides: false,
  },
  {
    kind: "alertmanager",
    make: (url) => alertmanagerNotifier({ name: "c", url: secret(`${url}/${TOKEN}`), token: secret(KEY) }),
    wellDone: answer(200, ""),
    insideOk: [],
    statusDecides: true,
  },
  {
    kind: "webhook",
    make: (url) =>
      webhookNotifier({
        name: "c",
        url: at(url),
        method: "POST",
        headers: { "X-Api-Key": secret(KEY) },
        template: null,
        contentType: "application/json",
        accept: { field: "code", equals: 0 },
      }),
    wellDone: answer(202, { code: 0 }),
    insideOk: [["what its settings call a refusal", answer(200, { code: 7, detail: `bad ${KEY}` }), true]],
    statusDecides: false,
  },
];

describe.each(kinds)("the $kind channel", ({ kind, make, wellDone, insideOk, statusDecides }) => {
  let receiver: Receiver | null = null;
  let notifier: Notifier | null = null;

  afterEach(async () => {
    notifier?.close();
    await receiver?.close();
  });

  async function sends(behaviour: Behaviour, deadlineMs = 2_000, message = aMessage()): Promise<Delivery> {
    receiver = await startReceiver(() => behaviour);
    notifier = make(receiver.url);
    return notifier.send(message, AbortSignal.timeout(deadlineMs));
  }

  it("is named and of its kind", () => {
    expect(make("http://127.0.0.1:1")).toMatchObject({ name: "c", kind });
  });

  it("counts a message as taken when its receiver says so", async () => {
    expect(await sends(wellDone)).toEqual({ kind: "taken" });
    expect(receiver?.received).toHaveLength(1);
  });

  it.each(insideOk)("recognises %s inside an answer", async (_what, behaviour, permanent) => {
    const delivery = await sends(behaviour);
    expect(delivery).toMatchObject({ kind: "failed", permanent });
    expectNoSecret(delivery);
  });

  it("waits as long as it is asked to", async () => {
    expect(await sends(answer(429, "slow down", { "retry-after": "17" }))).toMatchObject({
      kind: "failed",
      retryAfterMs: 17_000,
      permanent: false,
    });
  });

  it("understands a date to wait for, and no nonsense", async () => {
    const delivery = await sends(answer(503, "", { "retry-after": new Date(Date.now() + 60_000).toUTCString() }));
    expect(delivery.kind === "failed" && delivery.retryAfterMs).toBeGreaterThan(50_000);
    await receiver?.close();
    expect(await sends(answer(503, "", { "retry-after": "soon" }))).toMatchObject({ retryAfterMs: null });
  });

  it.each([500, 502, 503])("takes %d for something that passes", async (status) => {
    expect(await sends(answer(status, "<html>oh no</html>"))).toMatchObject({ kind: "failed", permanent: false });
  });

  it.each([400, 401, 403, 404, 410])(
    "takes %d for something that does not pass by itself, and keeps secrets out of the reason",
    async (status) => {
      const known = kind === "slack" || kind === "wecom" ? TOKEN : `${TOKEN} (${encodeURIComponent(KEY)})`;
      const delivery = await sends(answer(status, `no such token ${known}`));
      expect(delivery).toMatchObject({ kind: "failed", permanent: true });
      expectNoSecret(delivery);
    },
  );

  it.each([301, 302, 307, 308])("follows no redirect (%d)", async (status) => {
    const elsewhere = await startReceiver();
    const delivery = await sends(answer(status, "", { location: `${elsewhere.url}/stolen` }));
    expect(delivery).toMatchObject({ kind: "failed", permanent: true });
    expect(elsewhere.received).toEqual([]);
    await elsewhere.close();
  });

  it.each([
    ["never comes", { kind: "hang" }],
    ["never ends", { kind: "drip" }],
  ] as const)("gives up an answer that %s when its time is over", async (_what, behaviour) => {
    const begunMs = performance.now();
    const delivery = await sends(behaviour, 100);
    expect(delivery).toMatchObject({ kind: "failed", reason: "no answer in time", permanent: false });
    expect(performance.now() - begunMs).toBeLessThan(2_000);
  });

  it.each([
    ["stops half-way", { kind: "half" }],
    ["is a reset connection", { kind: "reset" }],
  ] as const)("has failed when the answer %s", async (_what, behaviour) => {
    expect(await sends(behaviour)).toMatchObject({ kind: "failed", permanent: false });
  });

  it("reads no more than the beginning of an answer without end", async () => {
    const begunMs = performance.now();
    const delivery = await sends({ kind: "flood" }, 5_000);
    expect(delivery.kind).toBe(statusDecides ? "taken" : "failed");
    expect(performance.now() - begunMs).toBeLessThan(3_000);
  });

  it.each([
    ["a login page", "<!doctype html><title>Sign in</title>"],
    ["deep nonsense", "[".repeat(10_000)],
    ["a list", "[1,2]"],
    ["null", "null"],
    ["a code that is no number", '{"errcode":"0","code":"zero","StatusCode":null}'],
  ])("does not take %s with status 200 for a yes", async (_what, body) => {
    const delivery = await sends(answer(200, body));
    if (statusDecides) return expect(delivery.kind).toBe("taken");
    // Slack's imitators answer all kinds of JSON objects.
    if (kind === "slack" && body.startsWith("{")) return expect(delivery.kind).toBe("taken");
    expect(delivery.kind).toBe("failed");
  });

  it.each([
    ["nobody listens", "http://127.0.0.1:1", "connection refused"],
    ["the name is unknown", "http://nobody.invalid", /host name/],
    ["the address is none", "no address", "its address is not an http or https URL"],
    ["its password is no text", "http://user:%zz@127.0.0.1:1", "the request failed (URIError)"],
    ["the address is a file's", "file:///etc/passwd", "its address is not an http or https URL"],
  ])("says why when %s, and not where", async (_what, url, reason) => {
    notifier = make(url);
    const delivery = await notifier.send(aMessage(), AbortSignal.timeout(5_000));
    expect(delivery).toMatchObject({
      kind: "failed",
      reason: typeof reason === "string" ? reason : expect.stringMatching(reason),
    });
    expectNoSecret(delivery);
  });

  it("is not brought to mention anybody, or out of its format, by what a name or an output says", async () => {
    expect(await sends(wellDone, 1_000, aHostileMessage())).toEqual({ kind: "taken" });
    const body = receiver?.received[0]?.body ?? "";
    const parsed: unknown = JSON.parse(body);
    expect(Buffer.byteLength(body)).toBeLessThan(kind === "webhook" || kind === "alertmanager" ? 64_000 : 20_000);
    if (kind === "webhook" || kind === "alertmanager") return;
    expect(body).not.toMatch(/@|<!|<at|\]\(http/);
    expect(JSON.stringify(parsed)).not.toContain('"isAtAll":true');
  });
});

function expectNoSecret(delivery: Delivery): void {
  expect(JSON.stringify(delivery)).not.toContain(TOKEN);
  expect(JSON.stringify(delivery)).not.toContain(KEY);
}
