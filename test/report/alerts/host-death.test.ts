import { afterEach, describe, expect, it } from "vitest";
import { realClock } from "../../../src/adapters/clock.ts";
import { mailNotifier } from "../../../src/adapters/mail/mail.ts";
import { realRandom } from "../../../src/adapters/random.ts";
import { alertmanagerNotifier } from "../../../src/adapters/webhook/alertmanager.ts";
import { dingtalkNotifier } from "../../../src/adapters/webhook/dingtalk.ts";
import { feishuNotifier } from "../../../src/adapters/webhook/feishu.ts";
import { webhookNotifier } from "../../../src/adapters/webhook/generic.ts";
import { slackNotifier } from "../../../src/adapters/webhook/slack.ts";
import { wecomNotifier } from "../../../src/adapters/webhook/wecom.ts";
import type { AlertFacts, AlertState } from "../../../src/model/alert.ts";
import { noFleetMemory } from "../../../src/model/memory.ts";
import { secret } from "../../../src/model/secret.ts";
import type { Notifier } from "../../../src/ports/notifier.ts";
import { advanceAlerts } from "../../../src/report/alerts/advance.ts";
import { markDelivered, markFailed } from "../../../src/report/alerts/channels.ts";
import { conditionsFrom } from "../../../src/report/alerts/conditions.ts";
import { startDelivery } from "../../../src/report/alerts/delivery.ts";
import { digestMessage } from "../../../src/report/alerts/message.ts";
import { firingMessages } from "../../../src/report/alerts/outbox.ts";
import { emptyAlertState } from "../../../src/report/alerts/state.ts";
import type { MailServer } from "../../adapters/mail/mail-server.ts";
import { startMailServer } from "../../adapters/mail/mail-server.ts";
import type { Receiver } from "../../adapters/webhook/receiver.ts";
import { answer, startReceiver } from "../../adapters/webhook/receiver.ts";
import { aRoute, deadHost, facts, hostFacts, serviceFacts, short } from "./builders.ts";

const clock = realClock();
const services = Array.from({ length: 40 }, (_, index) => `shop-${index + 1}`);
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Far {
  readonly notifier: Notifier;
  /** Every message that arrived, as text. */
  arrived(): readonly string[];
}

async function everyKind(): Promise<readonly Far[]> {
  const over = async (make: (url: string) => Notifier, reply: unknown): Promise<Far> => {
    const receiver: Receiver = await startReceiver(() => answer(200, reply));
    closers.push(() => receiver.close());
    return { notifier: make(receiver.url), arrived: () => receiver.received.map(({ body }) => body) };
  };
  const ok = { errcode: 0, errmsg: "ok", code: 0 };
  const mail: MailServer = await startMailServer();
  closers.push(() => mail.close());
  const server = {
    host: "127.0.0.1",
    port: mail.port,
    encryption: "none",
    user: null,
    password: null,
    tls: null,
  } as const;
  return [
    {
      notifier: mailNotifier({ name: "mail", from: "heal@shop.example", to: ["ops@shop.example"], ...server }),
      arrived: () => mail.letters.map(({ mail: { subject, text } }) => `${subject}\n${text}`),
    },
    await over((url) => slackNotifier({ name: "slack", url: secret(url) }), "ok"),
    await over((url) => dingtalkNotifier({ name: "dingtalk", url: secret(url), secret: secret("k") }), ok),
    await over((url) => wecomNotifier({ name: "wecom", url: secret(url) }), ok),
    await over((url) => feishuNotifier({ name: "feishu", url: secret(url), secret: secret("k") }), ok),
    await over((url) => alertmanagerNotifier({ name: "alertmanager", url: secret(url), token: null }), ""),
    await over(
      (url) =>
        webhookNotifier({
          name: "webhook",
          url: secret(url),
          method: "POST",
          headers: {},
          template: null,
          contentType: "application/json",
        }),
      "",
    ),
  ];
}

/** A loop as small as can be, on the real clock, with a route that waits for a twentieth of a second. */
function loopOver(channels: readonly Far[], changes: Parameters<typeof aRoute>[0] = {}) {
  const names = channels.map(({ notifier }) => notifier.name);
  const route = aRoute({ critical: names, warning: names, fallback: [], waitMs: 50, ...changes });
  const rules = { routes: { default: route }, timezone: "UTC" };
  const context = () => ({ environment: "live", wallMs: clock.wallMs(), rules });
  const quiet = (): void => undefined;
  let state: AlertState = emptyAlertState(clock.steadyMs());
  const courier = startDelivery({
    clock,
    random: realRandom(),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    channels: channels.map(({ notifier }) => ({ notifier, timeoutMs: 5_000, attempts: 1 })),
    digest: (messages) => digestMessage(messages, context()),
    firing: (name) => firingMessages(state, name, context()),
    outcome(outcome) {
      for (const entry of outcome.entries) {
        state =
          outcome.kind === "taken" ? markDelivered(state, entry, clock.steadyMs()) : markFailed(state, entry, outcome);
      }
    },
  });
  closers.push(() => courier.close());
  return {
    async passes(seen: () => AlertFacts, until: () => boolean): Promise<void> {
      const giveUpAtMs = clock.steadyMs() + 8_000;
      while (!until()) {
        if (clock.steadyMs() > giveUpAtMs) throw new Error("it did not come about in time");
        const input = {
          environment: "live",
          conditions: conditionsFrom(seen()),
          state,
          nowMs: clock.steadyMs(),
          wallMs: clock.wallMs(),
          rules,
        };
        const advanced = advanceAlerts(input);
        state = advanced.state;
        courier.offer(advanced.outbox);
        await clock.sleep(10);
      }
    },
  };
}

const well = (): AlertFacts =>
  facts({
    nowMs: clock.steadyMs(),
    services: Object.fromEntries(services.map((name) => [name, serviceFacts(name)])),
    hosts: { h1: hostFacts("h1"), h2: hostFacts("h2") },
  });

/** The host is gone, first silently, then for certain; its services notice at once. */
function dead(sinceMs: number): AlertFacts {
  const noticed = (name: string) => {
    const one = serviceFacts(name, short);
    return { ...one, memory: { ...one.memory, status: 2 as const, statusSinceMs: sinceMs } };
  };
  const lost = clock.steadyMs() - sinceMs > 100;
  return {
    ...well(),
    services: Object.fromEntries(services.map((name) => [name, noticed(name)])),
    hosts: {
      h1: hostFacts("h1"),
      h2: deadHost(
        "h2",
        sinceMs,
        services.map((service) => ({ service, instances: 1 })),
      ),
    },
    fleet: lost ? { ...noFleetMemory, lostHosts: { h2: sinceMs } } : noFleetMemory,
  };
}

describe("the death of a host with forty services", () => {
  it("is one message on every kind of channel, and one when it is over", async () => {
    const channels = await everyKind();
    const loop = loopOver(channels);
    const diedAtMs = clock.steadyMs();
    const all = (count: number) => () => channels.every(({ arrived }) => arrived().length >= count);
    await loop.passes(() => dead(diedAtMs), all(1));
    // As long again, for what should not come.
    await loop.passes(
      () => dead(diedAtMs),
      () => clock.steadyMs() - diedAtMs > 600,
    );
    for (const { notifier, arrived } of channels) {
      expect(arrived(), notifier.name).toHaveLength(1);
      expect(arrived()[0], notifier.name).toContain("40 instances");
      expect(arrived()[0], notifier.name).toContain("shop-40");
    }
    const healedAtMs = clock.steadyMs();
    await loop.passes(well, all(2));
    await loop.passes(well, () => clock.steadyMs() - healedAtMs > 400);
    for (const { notifier, arrived } of channels) {
      expect(arrived(), notifier.name).toHaveLength(2);
      expect(arrived()[1], notifier.name).toMatch(notifier.kind === "alertmanager" ? /"endsAt"/ : /RESOLVED/);
    }
  });

  it("reaches a person by the fallback when the channel of the route is down", async () => {
    const [chat] = (await everyKind()).slice(1, 2);
    if (chat === undefined) throw new Error("there is no chat");
    const down: Far = {
      notifier: dingtalkNotifier({ name: "down", url: secret("http://127.0.0.1:1/t0ken"), secret: null }),
      arrived: () => [],
    };
    const loop = loopOver([down, chat], { critical: ["down"], warning: ["down"], fallback: ["slack"] });
    const diedAtMs = clock.steadyMs();
    await loop.passes(
      () => dead(diedAtMs),
      () => chat.arrived().length > 0,
    );
    expect(chat.arrived()[0]).toContain("the channel down does not take messages (connection refused)");
    await loop.passes(well, () => chat.arrived().length > 1);
    expect(chat.arrived()).toHaveLength(2);
    expect(chat.arrived()[1]).toContain("RESOLVED");
  });
});
