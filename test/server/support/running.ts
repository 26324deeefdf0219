import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Log, LogData } from "../../../src/ports/log.ts";
import type { AppDeps } from "../../../src/server/app.ts";
import { openMetrics } from "../../../src/server/metrics.ts";
import { startServer } from "../../../src/server/start-server.ts";
import type { RunningServer } from "../../../src/server/start-server.ts";
import { deepFreeze } from "../../../src/settings/deep-freeze.ts";
import type { ServerSettings } from "../../../src/settings/settings.ts";
import type { FakeController } from "../../cli/support/fake-controller.ts";
import { fakeController } from "../../cli/support/fake-controller.ts";

export interface Running {
  readonly server: RunningServer;
  readonly controller: FakeController;
  readonly directory: string;
  readonly logged: LogData[];
  /** Base address of the TCP side. */
  readonly url: string;
}

/** A server of its own on a socket, and over TCP where the settings say so; closed when the test ends. */
export async function running(
  part: Partial<Omit<AppDeps, "settings">> & {
    readonly settings?: Partial<ServerSettings>;
    readonly fake?: FakeController;
  } = {},
): Promise<Running> {
  const directory = part.settings?.socketPath === undefined ? aDirectory() : "";
  const controller = part.fake ?? fakeController();
  const logged: LogData[] = [];
  const note = (data: LogData): void => void logged.push(data);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const server = await startServer({
    controller,
    version: "0.1.0",
    readiness: () => ({ ready: true, reasons: [] }),
    metrics: openMetrics("0.1.0"),
    log,
    ...part,
    // As the settings proper are.
    settings: deepFreeze({
      listen: null,
      advertise: null,
      token: null,
      socketPath: join(directory, "live.sock"),
      ...part.settings,
    }),
  });
  onTestFinished(() => server.close());
  return { server, controller, directory, logged, url: `http://127.0.0.1:${server.address?.port ?? 0}` };
}

export function aDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "heal-server-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
