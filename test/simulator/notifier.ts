import type { Delivery, Message, Notifier } from "../../src/ports/notifier.ts";
import type { Process } from "./process.ts";

/** How a channel behaves now; faults change it. `deaf` takes the message and never says so. */
export type ChannelMood = "well" | "refusing" | "hanging" | "deaf";

/** One channel's far end, shared by all controllers: what reached people. */
export interface Channel {
  readonly name: string;
  mood: ChannelMood;
  readonly taken: { readonly message: Message; readonly from: string; readonly atMs: number }[];
}

export function channel(name: string): Channel {
  return { name, mood: "well", taken: [] };
}

/** The Notifier port of one controller on one channel. */
export function simulatedNotifier(process: Process, to: Channel, taken: () => void): Notifier {
  const { scheduler, dice } = process;
  return {
    name: to.name,
    kind: "simulated",
    close: () => {},
    send: (message, signal) =>
      new Promise<Delivery>((resolve, reject) => {
        const onAbort = (): void => reject(new Error("aborted"));
        if (signal.aborted) return onAbort();
        signal.addEventListener("abort", onAbort, { once: true });
        const settle = (delivery: Delivery): void => {
          signal.removeEventListener("abort", onAbort);
          process.deliver(() => resolve(delivery));
        };
        scheduler.after(dice.int(5, 400), () => {
          if (signal.aborted || to.mood === "hanging") return;
          if (to.mood === "refusing") {
            return settle({ kind: "failed", reason: "451 try again later", retryAfterMs: null, permanent: false });
          }
          taken();
          to.taken.push({ message, from: process.name, atMs: scheduler.nowMs() });
          if (to.mood === "well") settle({ kind: "taken" });
        });
      }),
  };
}
