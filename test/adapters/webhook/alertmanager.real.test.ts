import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { alertmanagerNotifier } from "../../../src/adapters/webhook/alertmanager.ts";
import { secret } from "../../../src/model/secret.ts";
import type { Notifier } from "../../../src/ports/notifier.ts";
import { aMessage } from "./messages.ts";
import type { Receiver } from "./receiver.ts";
import { answer, startReceiver } from "./receiver.ts";

/** What Alertmanager posts to a webhook receiver. */
interface Posted {
  readonly status: string;
  readonly alerts: readonly {
    readonly status: string;
    readonly labels: Record<string, string>;
    readonly annotations: Record<string, string>;
    readonly endsAt: string;
  }[];
}

let folder = "";
let child: ChildProcess | null = null;
let receiver: Receiver;
let notifier: Notifier;
let address = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "heal-alertmanager-"));
  receiver = await startReceiver(() => answer(200, ""));
  const port = await freePort();
  address = `http://127.0.0.1:${port}`;
  writeFileSync(
    join(folder, "config.yml"),
    [
      "global: { resolve_timeout: 2s }",
      "route: { receiver: hook, group_by: [heal_key], group_wait: 100ms, group_interval: 200ms, repeat_interval: 1h }",
      `receivers: [{ name: hook, webhook_configs: [{ url: "${receiver.url}", send_resolved: true }] }]`,
    ].join("\n"),
  );
  child = spawn(
    "prometheus-alertmanager",
    [
      `--config.file=${join(folder, "config.yml")}`,
      `--storage.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--cluster.listen-address=",
      "--log.level=error",
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const failed = new Promise<never>((_resolve, reject) => {
    child?.once("error", (error) =>
      reject(new Error("Alertmanager cannot be started: install prometheus-alertmanager", { cause: error })),
    );
    child?.once("exit", (code) => reject(new Error(`Alertmanager ended with ${code}`)));
  });
  failed.catch(() => undefined);
  await Promise.race([failed, until(async () => (await fetch(`${address}/-/ready`)).ok)]);
  notifier = alertmanagerNotifier({ name: "am", url: secret(address), token: null });
});

afterAll(async () => {
  notifier?.close();
  if (child !== null && child.exitCode === null) {
    const ended = new Promise((resolve) => child?.once("exit", resolve));
    child.kill();
    await ended;
  }
  await receiver?.close();
  rmSync(folder, { recursive: true, force: true });
});

const message = (subject: string, changes: Parameters<typeof aMessage>[0] = {}) =>
  aMessage({
    key: `live/surplus/${subject}`,
    subject,
    services: [subject],
    sinceMs: Date.now() - 60_000,
    atMs: Date.now(),
    ...changes,
  });
const send = (one: ReturnType<typeof aMessage>) => notifier.send(one, AbortSignal.timeout(5_000));
const posted = (subject: string): readonly Posted[] =>
  receiver.received
    .map(({ body }) => JSON.parse(body) as Posted)
    .filter(({ alerts }) => alerts[0]?.labels["subject"] === subject);
const active = async (subject: string): Promise<readonly { readonly endsAt: string }[]> => {
  const query = new URLSearchParams({ filter: `subject="${subject}"` });
  return (await (await fetch(`${address}/api/v2/alerts?${query.toString()}`)).json()) as readonly { endsAt: string }[];
};

describe("a real Alertmanager", () => {
  it("tells its receiver of what fires, once however often it is reminded, and of its end", async () => {
    expect(await send(message("web"))).toEqual({ kind: "taken" });
    await until(() => posted("web").length > 0);
    for (let reminder = 0; reminder < 3; reminder += 1) expect(await send(message("web"))).toEqual({ kind: "taken" });
    await later(600);
    expect(posted("web")).toMatchObject([
      {
        status: "firing",
        alerts: [
          {
            status: "firing",
            labels: {
              alertname: "HealSurplus",
              environment: "live",
              service: "web",
              severity: "warning",
              heal_key: "live/surplus/web",
            },
            annotations: { summary: "[heal live] WARNING web: 1 more than asked for (4 of 3)" },
          },
        ],
      },
    ]);
    expect(await send(message("web", { state: "resolved", title: "[heal live] RESOLVED web: …" }))).toEqual({
      kind: "taken",
    });
    await until(() => posted("web").length > 1);
    expect(posted("web")[1]).toMatchObject({ status: "resolved", alerts: [{ status: "resolved" }] });
    await later(600);
    expect(posted("web")).toHaveLength(2);
  });

  it("keeps an alert past its own resolve time-out, until after several reminders would have come", async () => {
    await send(message("api"));
    await until(() => posted("api").length > 0);
    await later(2_500);
    const [one] = await active("api");
    expect(Date.parse(one?.endsAt ?? "") - Date.now()).toBeGreaterThan(180_000);
    expect(posted("api")).toHaveLength(1);
  });

  it("takes an end that it never heard the beginning of, and texts of any kind", async () => {
    expect(await send(message("unheard", { state: "resolved" }))).toEqual({ kind: "taken" });
    const odd = 'a "b" \\ {{ . }} 网站';
    expect(await send(message(odd, { title: odd, body: [{ heading: "", lines: [odd] }] }))).toEqual({ kind: "taken" });
    await until(() => posted(odd).length > 0);
    expect(posted(odd)[0]?.alerts[0]?.annotations["summary"]).toBe(odd);
  });

  it("takes alerts of a clock that is wrong by hours either way", async () => {
    expect(await send(message("ahead", { sinceMs: Date.now() + 7_200_000, atMs: Date.now() + 7_200_000 }))).toEqual({
      kind: "taken",
    });
    expect(
      await send(
        message("ahead", { state: "resolved", sinceMs: Date.now() + 7_200_000, atMs: Date.now() + 7_200_000 }),
      ),
    ).toEqual({ kind: "taken" });
    await until(async () => (await active("ahead")).length === 0);
  });

  it("says what it does not take", async () => {
    expect(await send(aMessage({ kind: "", key: "", sinceMs: 0, subject: "", environment: "" }))).toMatchObject({
      kind: "taken",
    });
    const wrong = alertmanagerNotifier({ name: "am", url: secret(`${address}/elsewhere`), token: null });
    expect(await wrong.send(aMessage(), AbortSignal.timeout(5_000))).toMatchObject({
      kind: "failed",
      permanent: true,
      reason: expect.stringContaining("HTTP 404"),
    });
    wrong.close();
  });
});

/** Below the range that the system hands out for outgoing connections. */
async function freePort(): Promise<number> {
  for (let port = 21_000 + (process.pid % 5_000); port < 32_000; port += 1) {
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error("no port is free");
}

async function until(came: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 400; turn += 1) {
    try {
      if (await came()) return;
    } catch {
      // Not there yet.
    }
    await later(25);
  }
  throw new Error("it did not come about within ten seconds");
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
