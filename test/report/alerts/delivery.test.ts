import { describe, expect, it } from "vitest";
import type { Delivery, Message, Notifier } from "../../../src/ports/notifier.ts";
import type { DeliveryOutcome } from "../../../src/report/alerts/channel.ts";
import { startDelivery } from "../../../src/report/alerts/delivery.ts";
import { digestMessage, testMessage } from "../../../src/report/alerts/message.ts";
import type { OutboxEntry } from "../../../src/report/alerts/outbox.ts";
import { fakeClock } from "../../loop/support/fake-clock.ts";
import { MINUTE, SECOND } from "./builders.ts";

const context = { environment: "live", wallMs: 0, rules: { timezone: "UTC" } };
const failed = (changes: Partial<Delivery & { kind: "failed" }> = {}): Delivery => ({
  kind: "failed",
  reason: "451 later",
  retryAfterMs: null,
  permanent: false,
  ...changes,
});

/** A channel whose answers the test gives; an answer of `hang` never comes. */
function channel(
  name: string,
  answer: (message: Message, count: number) => Delivery | "hang" | "throw",
  limits?: Notifier["limits"],
) {
  const sent: { readonly message: Message; readonly atMs: number }[] = [];
  let aborted = 0;
  let closed = false;
  const at = { clock: fakeClock() };
  const notifier: Notifier = {
    name,
    kind: "test",
    ...(limits === undefined ? {} : { limits }),
    send: (message, signal) =>
      new Promise((resolve) => {
        sent.push({ message, atMs: at.clock.steadyMs() });
        signal.addEventListener("abort", () => (aborted += 1));
        const said = answer(message, sent.length);
        if (said === "throw") throw new TypeError("https://hooks.example/T0KEN is not a function");
        if (said !== "hang") resolve(said);
      }),
    close: () => (closed = true),
  };
  return { name, sent, notifier, at, abortedCount: () => aborted, isClosed: () => closed };
}

type FakeChannel = ReturnType<typeof channel>;

function entry(key: string, to: FakeChannel, sequence = 1): OutboxEntry {
  const message = {
    ...testMessage(to.name, context),
    key,
    id: `${key}#${sequence}`,
    title: `[heal live] CRITICAL ${key}`,
  };
  return { key, channel: to.name, sequence, state: "firing", message };
}

function delivery(...channels: readonly FakeChannel[]) {
  const clock = fakeClock();
  for (const one of channels) one.at.clock = clock;
  const outcomes: DeliveryOutcome[] = [];
  const logged: unknown[] = [];
  const note = (data: unknown, message: string): void => void logged.push([data, message]);
  const firing = new Map<string, readonly Message[]>();
  const deps = {
    clock,
    random: { next: () => 0.5, uuid: () => "u" },
    log: { debug: note, info: note, warn: note, error: note },
    channels: channels.map(({ notifier }) => ({ notifier, timeoutMs: 10 * SECOND, attempts: 3 })),
    digest: (messages: readonly Message[]) => digestMessage(messages, context),
  };
  const courier = startDelivery({
    ...deps,
    firing: (name) => firing.get(name) ?? [],
    outcome: (outcome) => outcomes.push(outcome),
  });
  return { clock, courier, outcomes, logged, firing, deps };
}

const taken = (): Delivery => ({ kind: "taken" });

describe("delivery", () => {
  it("hands messages over and reports each one taken", async () => {
    const mail = channel("mail", taken);
    const { courier, clock, outcomes } = delivery(mail);
    courier.offer([entry("a", mail), entry("b", mail)]);
    await clock.advance(0);
    expect(mail.sent.map(({ message }) => message.key)).toEqual(["a", "b"]);
    expect(outcomes.map(({ kind, entries }) => [kind, entries.map(({ key }) => key)])).toEqual([
      ["taken", ["a"]],
      ["taken", ["b"]],
    ]);
  });

  it("returns at once, however slow a channel is, and no channel holds up another", async () => {
    const slow = channel("slow", () => "hang");
    const quick = channel("quick", taken);
    const { courier, clock } = delivery(slow, quick);
    courier.offer([entry("a", slow), entry("a", quick)]);
    await clock.advance(0);
    expect(quick.sent).toHaveLength(1);
  });

  it("does not send twice what it is offered twice", async () => {
    const mail = channel("mail", taken);
    const { courier, clock } = delivery(mail);
    courier.offer([entry("a", mail)]);
    courier.offer([entry("a", mail)]);
    await clock.advance(0);
    courier.offer([entry("a", mail)]);
    await clock.advance(MINUTE);
    expect(mail.sent).toHaveLength(1);
  });

  it("reports what was taken once more where Memory that was read again still owes it: simulator seed 980052", async () => {
    const mail = channel("mail", taken);
    const { courier, clock, outcomes } = delivery(mail);
    courier.offer([entry("a", mail)]);
    await clock.advance(0);
    courier.offer([entry("a", mail), entry("b", mail)]);
    await clock.advance(0);
    expect(mail.sent.map(({ message }) => message.id)).toEqual(["a#1", "b#1"]);
    const told = outcomes.map(({ kind, entries }) => `${kind} ${entries.map(({ key }) => key).join(" ")}`);
    expect(told).toEqual(["taken a", "taken a", "taken b"]);
  });

  it("sends a key again under a new sequence number", async () => {
    const mail = channel("mail", taken);
    const { courier, clock } = delivery(mail);
    courier.offer([entry("a", mail, 1)]);
    await clock.advance(0);
    courier.offer([entry("a", mail, 2)]);
    await clock.advance(0);
    expect(mail.sent.map(({ message }) => message.id)).toEqual(["a#1", "a#2"]);
  });

  it("drops what is not owed any more", async () => {
    const mail = channel("mail", () => failed());
    const { courier, clock } = delivery(mail);
    courier.offer([entry("a", mail)]);
    await clock.advance(0);
    courier.offer([]);
    await clock.advance(10 * MINUTE);
    expect(mail.sent).toHaveLength(1);
  });

  it("gives up a try that gets no answer, tells the channel so, and tries again", async () => {
    const mail = channel("mail", (_message, count) => (count === 1 ? "hang" : taken()));
    const { courier, clock, outcomes } = delivery(mail);
    courier.offer([entry("a", mail)]);
    await clock.advance(9 * SECOND);
    expect(outcomes).toEqual([]);
    await clock.advance(5 * SECOND);
    expect(mail.abortedCount()).toBe(1);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["failed", "taken"]);
    expect(outcomes[0]).toMatchObject({ reason: "no answer within 10 s", broken: false });
  });

  it("backs off, says after three failures in a row that the channel is broken, and tries on for ever", async () => {
    const mail = channel("mail", (_message, count) => (count < 12 ? failed() : taken()));
    const { courier, clock, outcomes, logged } = delivery(mail);
    courier.offer([entry("a", mail)]);
    await clock.advance(2 * 60 * MINUTE);
    const gaps = mail.sent.slice(1).map(({ atMs }, index) => atMs - (mail.sent[index]?.atMs ?? 0));
    // 1 s doubling to 5 min, at this throw of the dice three quarters of it.
    expect(gaps).toEqual([750, 1_500, 3_000, 6_000, 12_000, 24_000, 48_000, 96_000, 192_000, 225_000, 225_000]);
    expect(outcomes.map((one) => (one.kind === "failed" ? one.broken : "taken"))).toEqual([
      false,
      false,
      ...Array.from({ length: 9 }, () => true),
      "taken",
    ]);
    expect(logged.filter((line) => JSON.stringify(line).includes("stays broken"))).toHaveLength(1);
  });

  it("reports all that waits for a broken channel, so that all of it goes elsewhere", async () => {
    const mail = channel("mail", () => failed());
    const { courier, clock, outcomes } = delivery(mail);
    courier.offer([entry("a", mail), entry("b", mail)]);
    await clock.advance(MINUTE);
    const broken = outcomes.find((one) => one.kind === "failed" && one.broken);
    expect(broken?.entries.map(({ key }) => key)).toEqual(["a", "b"]);
  });

  it("waits as long as the receiver asks for, within reason", async () => {
    const asks = (retryAfterMs: number) =>
      channel("chat", (_message, count) => (count === 1 ? failed({ retryAfterMs }) : taken()));
    for (const [askedMs, waitedMs] of [
      [90 * SECOND, 90 * SECOND],
      [1e15, 60 * MINUTE],
      [Number.NaN, 750],
      [-5, 750],
    ] as const) {
      const chat = asks(askedMs);
      const { courier, clock } = delivery(chat);
      courier.offer([entry("a", chat)]);
      await clock.advance(2 * 60 * MINUTE);
      expect((chat.sent[1]?.atMs ?? 0) - (chat.sent[0]?.atMs ?? 0)).toBe(waitedMs);
    }
  });

  it("does not let one message that is refused for good hold up the others, and tries it again now and then", async () => {
    const hook = channel("hook", ({ key }) =>
      key === "poison" ? failed({ permanent: true, reason: "400" }) : taken(),
    );
    const { courier, clock, outcomes } = delivery(hook);
    courier.offer([entry("poison", hook), entry("b", hook), entry("c", hook)]);
    await clock.advance(10 * SECOND);
    expect(outcomes.flatMap(({ kind, entries }) => entries.map(({ key }) => `${kind} ${key}`))).toEqual([
      "failed poison",
      "taken b",
      "taken c",
    ]);
    expect(outcomes[0]).toMatchObject({ broken: true });
    await clock.advance(11 * MINUTE);
    expect(hook.sent.filter(({ message }) => message.key === "poison").length).toBe(3);
  });

  it("takes a digest apart that is refused for good, so that the sound ones arrive", async () => {
    const hook = channel("hook", ({ kind, key }) =>
      kind === "digest" || key === "s3" ? failed({ permanent: true }) : taken(),
    );
    const { courier, clock, outcomes } = delivery(hook);
    courier.offer(Array.from({ length: 8 }, (_, index) => entry(`s${index}`, hook)));
    await clock.advance(MINUTE);
    const got = outcomes.filter(({ kind }) => kind === "taken").flatMap(({ entries }) => entries.map(({ key }) => key));
    expect(got.sort()).toEqual(["s0", "s1", "s2", "s4", "s5", "s6", "s7"]);
  });

  it("joins many messages into one, and leaves none out", async () => {
    const mail = channel("mail", taken);
    const { courier, clock, outcomes } = delivery(mail);
    courier.offer(Array.from({ length: 47 }, (_, index) => entry(`s${index}`, mail)));
    await clock.advance(MINUTE);
    expect(mail.sent.map(({ message }) => message.kind)).toEqual(["digest", "digest", "digest"]);
    expect(outcomes.flatMap(({ entries }) => entries)).toHaveLength(47);
    const lines = mail.sent.flatMap(({ message }) => message.body.flatMap((section) => section.lines)).join("\n");
    for (let index = 0; index < 47; index += 1) expect(lines).toContain(`CRITICAL s${index}\n`);
  });

  it("stays below the receiver's rate in every window, whatever comes", async () => {
    const rate = { messages: 10, perMs: MINUTE };
    const robot = channel("robot", taken, { rate, joins: true, refreshEveryMs: null });
    const { courier, clock, outcomes } = delivery(robot);
    let owed: OutboxEntry[] = [];
    for (let second = 0; second < 300; second += 1) {
      const done = new Set(outcomes.flatMap(({ entries }) => entries.map(({ key }) => key)));
      owed = [...owed.filter(({ key }) => !done.has(key)), entry(`s${second}`, robot)];
      courier.offer(owed);
      await clock.advance(SECOND);
    }
    await clock.advance(2 * MINUTE);
    for (const { atMs } of robot.sent) {
      expect(robot.sent.filter((one) => one.atMs >= atMs && one.atMs < atMs + MINUTE).length).toBeLessThanOrEqual(10);
    }
    expect(new Set(outcomes.flatMap(({ entries }) => entries.map(({ key }) => key))).size).toBe(300);
  });

  it("never joins for a receiver that keeps state by key", async () => {
    const manager = channel("manager", taken, { rate: null, joins: false, refreshEveryMs: null });
    const { courier, clock } = delivery(manager);
    courier.offer(Array.from({ length: 40 }, (_, index) => entry(`s${index}`, manager)));
    await clock.advance(SECOND);
    expect(manager.sent).toHaveLength(40);
  });

  it("reminds a receiver of what fires, at once after a start and then at its interval, and not beside a message", async () => {
    const manager = channel("manager", taken, { rate: null, joins: false, refreshEveryMs: MINUTE });
    const { courier, clock, firing, outcomes } = delivery(manager);
    firing.set("manager", [entry("old", manager).message]);
    await clock.advance(3 * MINUTE);
    expect(manager.sent.map(({ message }) => message.key)).toEqual(["old", "old", "old"]);
    firing.set("manager", []);
    courier.offer([entry("old", manager, 2)]);
    await clock.advance(3 * MINUTE);
    expect(manager.sent).toHaveLength(4);
    expect(outcomes).toHaveLength(1);
  });

  it("survives a channel that throws, without repeating what that says", async () => {
    const bad = channel("bad", () => "throw");
    const { courier, clock, outcomes, logged } = delivery(bad);
    courier.offer([entry("a", bad)]);
    await clock.advance(MINUTE);
    expect(outcomes[0]).toMatchObject({ kind: "failed", reason: "the channel failed unexpectedly (TypeError)" });
    expect(JSON.stringify([outcomes, logged])).not.toContain("T0KEN");
  });

  it("cleans reasons, since servers write them", async () => {
    const bad = channel("bad", () => failed({ reason: `\u001b[31mno\r\n${"x".repeat(9_999)}` }));
    const { courier, clock, outcomes } = delivery(bad);
    courier.offer([entry("a", bad)]);
    await clock.advance(0);
    const [outcome] = outcomes;
    expect(outcome?.kind === "failed" && outcome.reason).toMatch(/^no x{100,160}…$/);
  });

  it("lets what is under way finish when it is closed, and begins nothing more", async () => {
    const mail = channel("mail", (_message, count) => (count === 1 ? "hang" : taken()));
    const { courier, clock } = delivery(mail);
    courier.offer([entry("a", mail), entry("b", mail)]);
    await clock.advance(SECOND);
    let done = false;
    void courier.close().then(() => (done = true));
    await clock.advance(SECOND);
    expect([done, mail.isClosed()]).toEqual([false, false]);
    await clock.advance(10 * SECOND);
    expect([done, mail.isClosed()]).toEqual([true, true]);
    await clock.advance(10 * MINUTE);
    expect(mail.sent).toHaveLength(1);
  });
});
