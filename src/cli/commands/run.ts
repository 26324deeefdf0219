import type { CommandDefinition } from "../command.ts";

export const run: CommandDefinition = {
  name: "run",
  summary: "the daemon: heals at once when something changes, until it is told to stop",
  argument: null,
  options: [
    { form: "--dry-run", description: "shadow mode: everything but acting, to try it beside what is there today" },
  ],
  notes: [
    "Logs lines of JSON on its standard output. SIGTERM stops it gracefully, SIGHUP makes it read its files again.",
    "Several may run on different machines: one acts, the others wait to take over.",
  ],
  examples: [
    ["heal run", "the daemon of the default environment"],
    ["heal run --dry-run --env test", "watch `test` and log what would be done"],
  ],
  async run({ wiring, choice }, { options }) {
    const { settings } = await wiring.loadSettings(choice);
    await wiring.runDaemon(settings, { shadow: options["dryRun"] === true });
    return 0;
  },
};
