import Docker from "dockerode";
import type { Clock } from "../../ports/clock.ts";
import { EngineError } from "../../ports/engine.ts";
import { type EngineEndpoint, parseEndpoint } from "./endpoint.ts";
import { EngineClock } from "./engine-clock.ts";
import { toEngineError } from "./errors.ts";
import { JsonLines } from "./json-lines.ts";
import { SocketAgent, wasBeforeSending } from "./socket-agent.ts";
import { SshTunnel } from "./ssh-tunnel.ts";
import { HttpRefusal, Transport, unread } from "./transport.ts";

/** The newest API this was written against, and the oldest in which all that is used exists. */
const newestApi = [1, 51] as const;
const oldestApi = [1, 24] as const;

export interface ConnectionOptions {
  readonly clock: Clock;
  /** How long a connection may take to stand, TLS and ssh included. */
  readonly connectMs?: number;
  readonly pingMs?: number;
  readonly answerBytesMax?: number;
  /** The program that forwards `ssh://` sockets. */
  readonly sshProgram?: string;
}

/** One engine's API behind one way of calling it: negotiated version, own deadline, errors in the port's words. */
export class DockerConnection {
  readonly host: string;
  readonly clock: Clock;
  /** Turns the engine's times into ours. */
  readonly engineClock: EngineClock;
  readonly #transport: Transport;
  readonly #agents: readonly SocketAgent[];
  readonly #tunnel: SshTunnel | null;
  readonly #pingMs: number;
  readonly #open = new Set<AbortController>();
  #negotiation: Promise<void> | null = null;
  #closed = false;

  constructor(host: string, endpoint: EngineEndpoint, options: ConnectionOptions) {
    const { clock, connectMs = 3_000, pingMs = 5_000, answerBytesMax = 64 * 1024 * 1024, sshProgram } = options;
    const parsed = parseEndpoint(endpoint);
    this.host = host;
    this.clock = clock;
    this.engineClock = new EngineClock(clock);
    this.#pingMs = pingMs;
    this.#tunnel = parsed.kind === "ssh" ? new SshTunnel(clock, parsed, connectMs, sshProgram) : null;
    const agent = new SocketAgent(clock, parsed, this.#tunnel, connectMs, true);
    const freshAgent = new SocketAgent(clock, parsed, this.#tunnel, connectMs, false);
    this.#agents = [agent, freshAgent];
    this.#transport = new Transport({
      agent,
      freshAgent,
      authority: parsed.kind === "tcp" ? `${parsed.hostname}:${parsed.port}` : "localhost",
      answerBytesMax,
      onHeaders: (headers) => this.engineClock.observe(headers.date),
    });
  }

  /**
   * Runs one call of dockerode against a deadline, at which its socket is closed. `what` completes "could not …".
   * Rejects with `EngineError` only. `signal` also ends the call, and after it a stream that the call resolved to.
   */
  call<T>(what: string, deadlineMs: number, send: (docker: Docker) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const run = async (ended: AbortSignal): Promise<T> => send(await this.#docker(ended));
    return this.#withDeadline(what, deadlineMs, run, signal);
  }

  /** The same with an answer that nobody has read yet (`Unread`); it is to be read within `read`. */
  callUnread(what: string, deadlineMs: number, send: (docker: Docker) => Promise<unknown>): Promise<unknown> {
    return this.#withDeadline(what, deadlineMs, async (ended) => send(await this.#docker(ended, unread)));
  }

  /** Runs what reads an answer. Throws `EngineError` only. */
  read<T>(what: string, reader: () => T): T {
    try {
      return reader();
    } catch (error) {
      throw this.#errorFrom(error, what);
    }
  }

  /** Asks whether the engine answers, and agrees on the API version for the calls that follow. */
  async ping({
    signal,
    over,
  }: { readonly signal?: AbortSignal; readonly over?: "anew" | undefined } = {}): Promise<void> {
    const ask = (ended: AbortSignal): Promise<string> => this.#transport.readApiVersion(ended, over);
    const offered = await this.#withDeadline("ping", this.#pingMs, ask, signal);
    this.#transport.version = agreedVersion(this.host, offered);
  }

  /**
   * Follows the engine's events, parsed but not looked at, until the signal fires; then resolves. Rejects with
   * `EngineError` when the stream cannot be had, ends, or holds what cannot be read (`onEvent` may throw). It asks for
   * events since the engine's time just before, because the engine answers a moment before it subscribes: one of the
   * last second may come again, none is missed.
   */
  async follow(
    filters: Docker.GetEventsOptions["filters"],
    signal: AbortSignal,
    onOpen: () => void,
    onEvent: (event: unknown) => void,
  ): Promise<void> {
    const what = "follow events";
    try {
      await this.ping({ signal });
      const since = this.engineClock.lastSeenSeconds();
      const options = { filters, ...(since === null ? {} : { since }) };
      const stream = await this.call(what, this.#pingMs, (docker) => docker.getEvents(options), signal);
      onOpen();
      const lines = new JsonLines();
      for await (const chunk of stream) {
        for (const line of lines.push(chunk as Buffer)) if (!signal.aborted) onEvent(line);
      }
      throw new Error("the stream ended");
    } catch (error) {
      if (!signal.aborted) throw this.#errorFrom(error, what);
    }
  }

  close(): void {
    this.#closed = true;
    for (const controller of this.#open) controller.abort();
    for (const agent of this.#agents) agent.destroy();
    this.#tunnel?.close();
  }

  async #docker(ended: AbortSignal, read?: typeof unread): Promise<Docker> {
    await this.#negotiated();
    // The deadline may have passed meanwhile: nothing is sent after it.
    ended.throwIfAborted();
    return new Docker({ modem: this.#transport.until(ended, read) } as Docker.DockerOptions);
  }

  async #negotiated(): Promise<void> {
    if (this.#transport.version !== null) return;
    this.#negotiation ??= this.ping().finally(() => {
      this.#negotiation = null;
    });
    try {
      await this.#negotiation;
    } catch (error) {
      // What was asked for has not been sent, whatever became of the ping before it.
      if (error instanceof EngineError && error.kind === "unclear") {
        throw new EngineError("unreachable", error.message, { cause: error });
      }
      throw error;
    }
  }

  async #withDeadline<T>(
    what: string,
    deadlineMs: number,
    run: (ended: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    if (this.#closed) throw new EngineError("unreachable", `${this.host}: could not ${what}: the connection is closed`);
    const controller = new AbortController();
    this.#open.add(controller);
    let expire: (error: EngineError) => void = () => {};
    const expired = new Promise<never>((_, reject) => {
      expire = reject;
    });
    const cancel = this.clock.after(deadlineMs, () => {
      expire(new EngineError("unclear", `${this.host}: could not ${what}: no answer within ${deadlineMs} ms`));
      controller.abort();
    });
    try {
      const ended = signal === undefined ? controller.signal : AbortSignal.any([controller.signal, signal]);
      return await Promise.race([run(ended), expired]);
    } catch (error) {
      // An upgraded or replaced engine may speak another version: agree anew before the next call.
      if (error instanceof HttpRefusal && /client version .* is too (new|old)/.test(error.message)) {
        this.#transport.version = null;
      }
      throw this.#errorFrom(error, what);
    } finally {
      cancel();
      this.#open.delete(controller);
    }
  }

  #errorFrom(error: unknown, what: string): EngineError {
    return toEngineError(error, this.host, what, !wasBeforeSending(error));
  }
}

function agreedVersion(host: string, offered: string): string {
  const match = /^(\d{1,3})\.(\d{1,5})$/.exec(offered);
  if (match === null) {
    throw new EngineError("unclear", `${host}: the engine's API version "${offered}" cannot be read`);
  }
  const version = [Number(match[1]), Number(match[2])] as const;
  if (isOlder(version, oldestApi)) {
    throw new EngineError(
      "refused",
      `${host}: the engine speaks API ${offered}, ${oldestApi.join(".")} or newer is needed`,
    );
  }
  return `v${(isOlder(version, newestApi) ? version : newestApi).join(".")}`;
}

function isOlder(one: readonly [number, number], other: readonly [number, number]): boolean {
  return one[0] < other[0] || (one[0] === other[0] && one[1] < other[1]);
}
