import type { Cancel } from "../../src/ports/clock.ts";
import type { Network } from "./network.ts";
import type { Process } from "./process.ts";
import type { Dice } from "./random.ts";

/** One kind of request. The deadline is the caller's own: after it, the outcome is unclear. */
export interface Call {
  readonly name: string;
  readonly mutates: boolean;
  readonly deadlineMs: number;
}

/**
 * What becomes of one request. `lost-request`: sent and never arrived; `lost-answer`: done, but the caller never hears;
 * `late`: arrives when the caller has given up; `slow`: takes long, within the deadline; `refuse`: the server says no;
 * `kill-before` and `kill-after`: the caller dies just before it is sent, or just after it took effect; `stop-after`: it
 * is suspended there, and hears the answer when it goes on.
 */
export type Fate =
  | "normal"
  | "slow"
  | "late"
  | "unreachable"
  | "lost-request"
  | "lost-answer"
  | "refuse"
  | "kill-before"
  | "kill-after"
  | "stop-after";

/** Decides the fate of each request, and what the caller's death means for the world. */
export interface Weather {
  /** Whether such a request can only fare normally at the moment: one that changes nothing. */
  isFair(to: string, call: string): boolean;
  fate(process: Process, to: string, call: Call): Fate;
  killed(process: Process): void;
  suspended(process: Process): void;
  /** An answer reached the process. */
  contacted(process: Process, machine: string, call: Call): void;
}

/** Where requests go. A hung server takes them in and answers when it wakes; a down one refuses. */
export interface Server {
  readonly machine: string;
  state(): "up" | "down" | "hung";
  whenAwake(run: () => void): void;
}

export interface Line {
  readonly process: Process;
  readonly server: Server;
  readonly network: Network;
  readonly weather: Weather;
  error(kind: "unreachable" | "unclear" | "refused", message: string): Error;
}

/** Gives a server's answer, later. Both are harmless when the caller has given up meanwhile. */
export interface Reply<T> {
  ok(value: T): void;
  fail(error: Error): void;
  /** False once the caller has given up. */
  isAwaited(): boolean;
  /** No answer is due before `expect` is called; only while it is served at once. */
  putOff(): void;
  /** The caller gives up so much later. */
  expect(withinMs: number): void;
}

/** A request that the server answers as soon as it arrives. What `serve` throws is its answer. */
export function ask<T>(line: Line, call: Call, serve: () => T): Promise<T> {
  return order(line, call, (reply) => reply.ok(serve()));
}

/** A request that the server works on for a while. What `serve` throws at once is its answer. */
export function order<T>(line: Line, call: Call, serve: (reply: Reply<T>) => void): Promise<T> {
  const { process, server, weather } = line;
  if (!process.alive()) return never();
  const fate = weather.fate(process, server.machine, call);
  if (fate === "kill-before") {
    weather.killed(process);
    return never();
  }
  return new Promise((resolve, reject) => send(line, call, fate, serve, resolve, reject));
}

function send<T>(
  line: Line,
  call: Call,
  fate: Fate,
  serve: (reply: Reply<T>) => void,
  resolve: (value: T) => void,
  reject: (error: Error) => void,
): void {
  const { process } = line;
  const { scheduler, dice } = process;
  const deadlineMs = scheduler.nowMs() + call.deadlineMs;
  let settled = false;
  let putOff = false;
  let deadline: Cancel | null = null;

  const answer = (run: () => void, isGood: boolean): void => {
    if (fate === "lost-answer") return;
    if (fate === "kill-after") return line.weather.killed(process);
    if (fate === "stop-after") line.weather.suspended(process);
    if (settled || line.network.path(line.server.machine, process.machine) === "drop") return;
    settled = true;
    deadline?.();
    // Who is suspended reads it later; the server was there now.
    if (isGood) line.weather.contacted(process, line.server.machine, call);
    process.deliver(run);
  };
  const reply: Reply<T> = {
    ok: (value) => answer(() => resolve(value), true),
    fail: (error) => answer(() => reject(error), false),
    isAwaited: () => !settled && process.alive(),
    putOff: () => void (putOff = true),
    expect: (withinMs) => expectAnswer(scheduler.nowMs() + withinMs),
  };
  const work = (): void => {
    if (fate === "refuse") return reply.fail(line.error("refused", `${call.name}: the server is out of order`));
    try {
      serve(reply);
    } catch (error) {
      reply.fail(error as Error);
    }
  };
  // Only a request that is not answered on arrival needs a timer for its deadline; most are.
  const expectAnswer = (untilMs: number): void => {
    if (settled) return;
    deadline = scheduler.at(untilMs, () => {
      settled = true;
      process.deliver(() => reject(line.error("unclear", `${call.name}: no answer within ${call.deadlineMs} ms`)));
    });
  };

  scheduler.after(travelMs(fate, call, dice), () => {
    if (fate !== "lost-request") arrive(line, fate, work, () => answer(() => reject(refusal(line, call)), false));
    if (fate !== "late" && !putOff) expectAnswer(deadlineMs);
  });
  if (fate === "late") expectAnswer(deadlineMs);
}

function arrive(line: Line, fate: Fate, work: () => void, refuse: () => void): void {
  const { process, server, network } = line;
  const path = fate === "unreachable" ? "reject" : network.path(process.machine, server.machine);
  if (path === "drop") return;
  if (path === "reject" || server.state() === "down") return refuse();
  if (server.state() === "hung") return server.whenAwake(work);
  work();
}

function refusal(line: Line, call: Call): Error {
  return line.error("unreachable", `${call.name}: connection refused by ${line.server.machine}`);
}

function travelMs(fate: Fate, call: Call, dice: Dice): number {
  if (fate === "slow") return Math.ceil(call.deadlineMs * 0.9 * dice.next()) + 1;
  if (fate === "late") return Math.ceil(call.deadlineMs * (1 + dice.next()));
  return dice.int(1, 3);
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}
