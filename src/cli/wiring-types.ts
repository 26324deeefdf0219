import type { Problem } from "../model/problem.ts";
import type { REPORT_VERSION } from "../model/report.ts";
import type { Controller } from "../ports/controller.ts";
import type { Settings } from "../settings/settings.ts";

/** Which settings a command is for: `--config` and `--env`, null where they are not given. */
export interface SettingsChoice {
  readonly configPath: string | null;
  readonly environment: string | null;
}

/** What commands are made of. Everything is loaded when it is first called, so that no command pays for another. */
export interface Wiring {
  /** Rejects with `InvalidInput`. */
  loadSettings(choice: SettingsChoice): Promise<LoadedChoice>;
  /** The daemon of this environment; null when none answers. Rejects with `ControllerError` when it may not be asked. */
  connect(settings: Settings): Promise<Controller | null>;
  /** Looks for itself. Rejects with `InvalidInput` when the desired state is wrong. */
  openOneShot(settings: Settings): Promise<Controller>;
  /** Resolves when the daemon has been told to stop and has stopped. Rejects with `InUse` or `InvalidInput`. */
  runDaemon(settings: Settings, options: { readonly shadow: boolean }): Promise<void>;
  /** Settings, and the desired state: the environment's own directories, or these files as the whole of it. */
  validate(choice: SettingsChoice, files: readonly string[]): Promise<ValidationReport>;
  /** What runs in Docker and Consul now, for a first desired state. What cannot be asked is a note. Never rejects. */
  discover(choice: SettingsChoice): Promise<Discovery>;
}

export interface LoadedChoice {
  readonly settings: Settings;
  /** What heal can do without. */
  readonly warnings: readonly Problem[];
}

/** What `heal validate` prints. */
export interface ValidationReport {
  readonly version: typeof REPORT_VERSION;
  readonly environment: string | null;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Services of a valid desired state. */
  readonly services: number;
  /** Which file each of them, and each of their fields, came from: `services.web.count` → `live/web.json`. */
  readonly sources: Readonly<Record<string, string>>;
}

export interface Discovery {
  readonly services: readonly FoundService[];
  /** Sentences for the operator: what was looked at, and what did not answer. */
  readonly notes: readonly string[];
}

/** A Swarm service or a Compose service that runs, and could be adopted. */
export interface FoundService {
  readonly runtime: "swarm" | "compose";
  /** The Swarm service's name, or the Compose project's. */
  readonly name: string;
  readonly composeService: string | null;
  /** Instances that run now. */
  readonly running: number;
}
