/**
 * A client that writes a thousand times a second to whoever is the master at the time, and remembers which writes were
 * acknowledged and when. It does what a sensible client does: a connection that fails, answers with an error or does not
 * answer in time is left, and the master is asked for anew.
 */
import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface WriterOptions {
  /** Who is the master; null when nobody is at the moment. */
  readonly locate: () => Promise<Address | null>;
  readonly perSecond?: number;
  readonly password?: string;
  /** A write without an answer for so long is taken for lost, and the connection with it. */
  readonly answerWithinMs?: number;
}

export interface Written {
  /** What its keys begin with: nobody else's do. */
  readonly prefix: string;
  readonly acknowledged: readonly Acknowledged[];
  readonly sent: number;
  readonly errors: Readonly<Record<string, number>>;
}

export interface Acknowledged {
  readonly number: number;
  /** On the clock of `performance.now()`. */
  readonly atMs: number;
  readonly by: string;
}

export interface Writer {
  /** Resolves when one more write was acknowledged than now. */
  nextAcknowledged(): Promise<Acknowledged>;
  written(): Written;
  /** The port that it is connected from at the moment. */
  localPort(): number | null;
  stop(): Promise<Written>;
}

const LOCATE_EVERY_MS = 4;

export function startWriter(options: WriterOptions): Writer {
  const everyMs = 1_000 / (options.perSecond ?? 1_000);
  const answerWithinMs = options.answerWithinMs ?? 200;
  const prefix = `write:${randomUUID().slice(0, 8)}:`;
  const acknowledged: Acknowledged[] = [];
  const errors: Record<string, number> = {};
  const waiting: ((one: Acknowledged) => void)[] = [];
  let sent = 0;
  let stopped = false;
  let current: { readonly client: Redis; readonly name: string } | null = null;

  const leave = (client: Redis, error: Error): void => {
    const word = error.message.split(" ")[0] ?? "?";
    errors[word] = (errors[word] ?? 0) + 1;
    if (current?.client !== client) return;
    current = null;
    client.disconnect();
  };
  const write = (to: NonNullable<typeof current>): void => {
    const number = (sent += 1);
    to.client.set(`${prefix}${number}`, String(number)).then(
      () => {
        const one = { number, atMs: performance.now(), by: to.name };
        acknowledged.push(one);
        for (const tell of waiting.splice(0)) tell(one);
      },
      (error: Error) => leave(to.client, error),
    );
  };
  const connect = async (): Promise<void> => {
    const address = await options.locate().catch(() => null);
    if (address === null || stopped) return;
    const client = new Redis({
      ...address,
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      enableReadyCheck: false,
      disableClientInfo: true,
      commandTimeout: answerWithinMs,
      connectTimeout: answerWithinMs,
      ...(options.password === undefined ? {} : { password: options.password }),
    });
    client.on("error", () => undefined);
    const slow = new Promise<never>((_resolve, reject) => setTimeout(() => reject(new Error("slow")), answerWithinMs));
    try {
      await Promise.race([client.connect(), slow]);
      current = { client, name: `${address.host}:${address.port}` };
    } catch {
      client.disconnect();
    }
    slow.catch(() => undefined);
  };
  const run = async (): Promise<void> => {
    let dueMs = performance.now();
    while (!stopped) {
      if (current === null) {
        await connect();
        if (current === null) await pause(LOCATE_EVERY_MS);
        dueMs = performance.now();
        continue;
      }
      // What the timer is late by is caught up with, or a busy machine would be written to less.
      for (; dueMs <= performance.now() && current !== null; dueMs += everyMs) write(current);
      await pause(1);
    }
  };
  const done = run();
  const written = (): Written => ({ prefix, acknowledged, sent, errors });
  return {
    nextAcknowledged: () => new Promise((resolve) => waiting.push(resolve)),
    written,
    localPort: () => current?.client.stream.localPort ?? null,
    async stop() {
      stopped = true;
      await done;
      await pause(answerWithinMs + 20);
      (current as { client: Redis } | null)?.client.disconnect();
      return written();
    },
  };
}

/** How many acknowledged writes the master does not have. */
export async function lostWrites({ prefix, acknowledged }: Written, at: Address, password?: string): Promise<number> {
  const client = new Redis({ ...at, maxRetriesPerRequest: 1, ...(password === undefined ? {} : { password }) });
  client.on("error", () => undefined);
  try {
    let lost = 0;
    for (let from = 0; from < acknowledged.length; from += 1_000) {
      const part = acknowledged.slice(from, from + 1_000);
      const values = await client.mget(part.map(({ number }) => `${prefix}${number}`));
      lost += values.filter((value, at_) => value !== String(part[at_]?.number)).length;
    }
    return lost;
  } finally {
    client.disconnect();
  }
}

/** The longest time without an acknowledged write, from `fromMs` on. */
export function longestGapMs({ acknowledged }: Written, fromMs: number): number {
  let last = fromMs;
  let longest = 0;
  for (const { atMs } of acknowledged) {
    if (atMs < fromMs) continue;
    longest = Math.max(longest, atMs - last);
    last = atMs;
  }
  return longest;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
