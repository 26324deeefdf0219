import { join, resolve } from "node:path";
import { settingsDefaults } from "./defaults.ts";
import type { ProcessFacts } from "./process-facts.ts";
import type { Reading } from "./reading.ts";
import { needSecret } from "./reading.ts";
import type { EnvironmentFile } from "./schema.ts";
import type { ServerSettings } from "./settings.ts";

/** Where the daemon answers, and where the command line finds it. */
export async function serverSettings(
  reading: Reading,
  environment: string,
  file: EnvironmentFile["server"],
): Promise<ServerSettings> {
  const socketPath =
    file?.socket === undefined
      ? standardSocket(reading.facts, environment)
      : resolve(reading.baseDirectory, file.socket);
  if (Buffer.byteLength(socketPath) > socketPathBytesMax) {
    reading.wrong(
      ["server", "socket"],
      `${socketPath} is too long for a socket`,
      `at most ${socketPathBytesMax} bytes`,
    );
  }
  return {
    listen: listenOf(reading, file?.listen ?? settingsDefaults.listen),
    advertise: file?.advertise === undefined ? null : file.advertise.replace(/\/+$/, ""),
    token: await needSecret(reading, ["server", "token"], file?.token),
    socketPath,
  };
}

/** What Linux has room for, with the zero at the end. */
const socketPathBytesMax = 107;

/** Root's is the same whatever session it is in, so that a login shell finds the daemon that the system started. */
export function standardSocket({ isRoot, userId, variables }: ProcessFacts, environment: string): string {
  const runtimeDirectory = variables["XDG_RUNTIME_DIR"];
  const name = `${environment}.sock`;
  if (isRoot) return join("/run/heal", name);
  return runtimeDirectory?.startsWith("/") === true
    ? join(runtimeDirectory, "heal", name)
    : join(`/tmp/heal-${userId}`, name);
}

function listenOf(reading: Reading, text: string): ServerSettings["listen"] {
  if (text === "none") return null;
  const colon = text.lastIndexOf(":");
  const port = Number(text.slice(colon + 1));
  if (port > 65_535) reading.wrong(["server", "listen"], `${port} is not a port`, "a port from 0 to 65535");
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port };
}
