import { connectDaemon } from "./adapters/api-client/open-client.ts";
import type { Wiring } from "./cli/wiring-types.ts";
import { defaultTerms, termsProblem } from "./loop/lease.ts";
import { InvalidInput } from "./ports/controller.ts";

/** The program's parts, each loaded when a command first needs it: no command pays for another. */
export const wiring: Wiring = {
  async loadSettings(choice) {
    const [{ loadSettings }, { processFacts }, { diskFiles }] = await Promise.all([
      import("./settings/load-settings.ts"),
      import("./settings/process-facts.ts"),
      import("./adapters/files/disk-files.ts"),
    ]);
    const loaded = await loadSettings(diskFiles(), { ...processFacts(), ...choice });
    if (loaded.kind === "invalid") throw new InvalidInput("the settings are not valid", loaded.problems);
    const { leadership, configFile } = loaded.settings;
    const problem = termsProblem({ ...defaultTerms, ...leadership });
    if (problem === null) return loaded;
    const where = { file: configFile ?? "settings", line: 1, column: 1 };
    throw new InvalidInput("the settings are not valid", [{ ...where, message: problem, expected: null }]);
  },
  connect: ({ server }) => connectDaemon({ kind: "socket", path: server.socketPath }),
  async openOneShot(settings) {
    const [{ openOneShot }, { processFacts }] = await Promise.all([
      import("./wiring/one-shot.ts"),
      import("./settings/process-facts.ts"),
    ]);
    return openOneShot(settings, (name) => processFacts().variables[name] ?? null);
  },
  async runDaemon(settings, options) {
    const { runDaemon } = await import("./wiring/run-daemon.ts");
    return runDaemon(settings, options);
  },
  async validate(choice, files) {
    const { validate } = await import("./wiring/validate.ts");
    return validate(choice, files);
  },
  async discover(choice) {
    const { settings } = await wiring.loadSettings(choice);
    const { discover } = await import("./wiring/discover.ts");
    return discover(settings);
  },
};
