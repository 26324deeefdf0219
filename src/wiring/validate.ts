import type { SettingsChoice, ValidationReport } from "../cli/wiring-types.ts";
import { diskFiles } from "../adapters/files/disk-files.ts";
import { checkTemplate } from "../adapters/webhook/template.ts";
import { loadDesiredState, loadDesiredStateFiles } from "../desired/load-desired-state.ts";
import type { Problem } from "../model/problem.ts";
import { REPORT_VERSION } from "../model/report.ts";
import { loadSettings } from "../settings/load-settings.ts";
import { processFacts } from "../settings/process-facts.ts";
import type { Settings } from "../settings/settings.ts";

/** Everything that is wrong with settings and desired state, without asking Docker or Consul anything. */
export async function validate(choice: SettingsChoice, files: readonly string[]): Promise<ValidationReport> {
  const disk = diskFiles();
  const settings = await loadSettings(disk, { ...processFacts(), ...choice });
  if (settings.kind === "invalid") {
    return {
      version: REPORT_VERSION,
      environment: null,
      problems: settings.problems,
      warnings: [],
      services: 0,
      sources: {},
    };
  }
  const { environment } = settings.settings;
  const loaded =
    files.length === 0
      ? await loadDesiredState(disk, settings.settings)
      : await loadDesiredStateFiles(disk, files, settings.settings);
  return {
    version: REPORT_VERSION,
    environment,
    problems: [...templateProblems(settings.settings), ...(loaded.kind === "invalid" ? loaded.problems : [])],
    warnings: settings.warnings,
    services: loaded.kind === "valid" ? Object.keys(loaded.desired.services).length : 0,
    sources: loaded.kind === "valid" ? loaded.desired.sources : {},
  };
}

/** Templates of webhooks are tried here, and not on the night they are needed. */
function templateProblems({ alerts }: Settings): readonly Problem[] {
  return Object.values(alerts.channels).flatMap((channel) => {
    if (channel.kind !== "webhook" || channel.template === null) return [];
    const { path, text } = channel.template;
    return checkTemplate(text, channel.contentType).map((problem) => ({ file: path, ...problem, expected: null }));
  });
}
