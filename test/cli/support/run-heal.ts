import type { Clock } from "../../../src/ports/clock.ts";
import type { InterruptSignal, Terminal } from "../../../src/ports/terminal.ts";
import { main } from "../../../src/cli/main.ts";
import type { SettingsChoice, Wiring } from "../../../src/cli/wiring-types.ts";
import type { Settings } from "../../../src/settings/settings.ts";
import type { FakeController } from "./fake-controller.ts";
import { fakeController } from "./fake-controller.ts";

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What the settings were asked with. */
  readonly choices: readonly SettingsChoice[];
}

export interface Around {
  /** Answers as the daemon; without it, none runs. */
  readonly daemon?: FakeController | null;
  /** Answers as a look of its own. */
  readonly oneShot?: FakeController;
  readonly wiring?: Partial<Wiring>;
  readonly terminal?: Partial<FakeTerminal>;
  readonly clock?: Clock;
}

/** Runs a command line as `bin.ts` does, with everything around it in memory. */
export async function runHeal(argv: readonly string[], around: Around = {}): Promise<Outcome> {
  const terminal = fakeTerminal(around.terminal);
  const choices: SettingsChoice[] = [];
  const wiring: Wiring = {
    async loadSettings(choice) {
      choices.push(choice);
      return { settings: { environment: "live" } as Settings, warnings: [] };
    },
    connect: async () => around.daemon ?? null,
    openOneShot: async () => around.oneShot ?? fakeController(),
    runDaemon: async () => undefined,
    validate: async () => ({ version: 1, environment: "live", problems: [], warnings: [], services: 2, sources: {} }),
    discover: async () => ({ services: [], notes: [] }),
    ...around.wiring,
  };
  const code = await main(argv, { terminal, clock: around.clock ?? stillClock, wiring, version: "0.1.0" });
  return { code, out: terminal.written.out, err: terminal.written.err, choices };
}

export interface FakeTerminal extends Terminal {
  readonly written: { out: string; err: string };
  /** Presses Ctrl-C, or sends another signal. */
  interrupt(signal: InterruptSignal): void;
}

/** A pipe that nobody colours, with nothing on the standard input. */
export function fakeTerminal(part: Partial<FakeTerminal> = {}): FakeTerminal {
  const written = { out: "", err: "" };
  const listeners = new Set<(signal: InterruptSignal) => void>();
  return {
    out: (text) => void (written.out += text),
    err: (text) => void (written.err += text),
    outColumns: null,
    outColours: false,
    errColours: false,
    errIsTerminal: false,
    inputIsTerminal: false,
    readInput: async () => "",
    onInterrupt(callback) {
      listeners.add(callback);
      return () => void listeners.delete(callback);
    },
    written,
    interrupt: (signal) => listeners.forEach((listener) => listener(signal)),
    ...part,
  };
}

/** Time that never passes. */
const stillClock: Clock = {
  steadyMs: () => 0,
  wallMs: () => 0,
  sleep: () => new Promise(() => undefined),
  after: () => () => undefined,
};
