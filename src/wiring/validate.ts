import type { SettingsChoice, ValidationReport } from "../cli/wiring-types.ts";
import { diskFiles } from "../adapters/files/disk-files.ts";
import { loadDesiredState, loadDesiredStateFiles } from "../desired/load-desired-state.ts";
import { REPORT_VERSION } from "../model/report.ts";
import { loadSettings } from "../settings/load-settings.ts";
import { processFacts } from "../settings/process-facts.ts";

/** Everything that is wrong with settings and desired state, without asking Docker or Consul anything. */
export async function validate(choice: SettingsChoice, files: readonly string[]): Promise<ValidationReport> {
  const disk = diskFiles();
  const settings = await loadSettings(disk, { ...processFacts(), ...choice });
  if (settings.kind === "invalid") {
    return { version: REPORT_VERSION, environment: null, problems: settings.problems, warnings: [], services: 0 };
  }
  const { environment } = settings.settings;
  const loaded =
    files.length === 0
      ? await loadDesiredState(disk, settings.settings)
      : await loadDesiredStateFiles(disk, files, settings.settings);
  return {
    version: REPORT_VERSION,
    environment,
    problems: loaded.kind === "invalid" ? loaded.problems : [],
    warnings: settings.warnings,
    services: loaded.kind === "valid" ? Object.keys(loaded.desired.services).length : 0,
  };
}
