#!/usr/bin/env node
import { askSocket } from "./adapters/api-client/ask-socket.ts";
import { processTerminal } from "./adapters/terminal/process-terminal.ts";
import { quick } from "./cli/quick/quick.ts";
import { locateSocket } from "./settings/locate-socket.ts";
import { processFacts } from "./settings/process-facts.ts";

/** Arguments in, exit code out. What is imported here is all that the quick way needs, and costs every command little. */
const argv = process.argv.slice(2);
const terminal = processTerminal();

void begin();

async function begin(): Promise<void> {
  const code = await quick(argv, {
    terminal,
    ask: (path, question) => askSocket(path)(question),
    locate: (choice) => locateSocket({ ...processFacts(), ...choice }),
  });
  process.exit(code ?? (await (await import("./ordinary.ts")).ordinary(argv, terminal)));
}
