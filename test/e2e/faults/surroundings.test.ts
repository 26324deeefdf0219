import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeEach, describe, expect, inject, it, onTestFinished } from "vitest";
import { ensurePrograms } from "../../../scripts/machine/packages.ts";
import { mustRun } from "../../../scripts/machine/processes.ts";
import type { EventLog } from "../support/event-log.ts";
import { noteFault } from "../support/fault-report.ts";
import { openGround, startDaemon } from "../support/ground.ts";
import { settles } from "../support/invariants.ts";
import type { Peer, PeerOptions } from "../support/peers.ts";
import { webService } from "../support/services.ts";
import { until, type Site } from "../support/site.ts";

const consul = inject("consul");
const say = (): void => undefined;
let site: Site;
let events: EventLog;

beforeEach(async () => {
  const settings = { healing: { backOff: { initial: "100ms", max: "1s" }, quarantine: { failures: 1_000 } } };
  ({ site, events } = await openGround({ settings }));
  site.desire({ web: webService(2) });
});

async function twoHealthy(options: PeerOptions = {}): Promise<Peer> {
  const daemon = await startDaemon(site, options);
  await settles(site, consul, "web", 2);
  return daemon;
}

/** Kills one container, and gives the engine's own times of its death and of the start in its place. */
async function killAndHeal(): Promise<number> {
  const from = events.mark();
  const [victim] = await site.containers("web");
  await site.docker("POST", `/containers/${victim?.Id}/kill`);
  await settles(site, consul, "web", 2);
  const since = events.since(from);
  expect(since.filter(({ action }) => action === "create")).toHaveLength(1);
  const died = since.find(({ action }) => action === "die")?.atMs ?? Number.NaN;
  return (since.find(({ action }) => action === "start")?.atMs ?? Number.NaN) - died;
}

describe("the daemon in surroundings that fail", () => {
  it("goes on healing when the wall clock jumps by an hour, forwards and backwards", async (test) => {
    await ensurePrograms([{ programs: ["faketime"], package: "faketime" }], { say });
    const clock = path.join(site.folder, "clock");
    const turn = (offset: string): void => writeFileSync(clock, offset);
    turn("+0");
    const library = (await mustRun("faketime", ["-m", "-f", "+0s", "printenv", "LD_PRELOAD"])).trim();
    const daemon = await twoHealthy({
      variables: {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      },
    });
    const from = events.mark();
    for (const [offset, hours] of [
      ["+3600", 1],
      ["-3600", -1],
    ] as const) {
      turn(offset);
      const tookMs = await killAndHeal();
      const lastLine = daemon.log().trim().split("\n").at(-1) ?? "{}";
      const aheadHours = ((JSON.parse(lastLine) as { time: number }).time - Date.now()) / 3_600_000;
      expect(Math.round(aheadHours)).toBe(hours);
      noteFault(
        test,
        `wall clock of heal moved to ${offset} s, a container killed`,
        "healed once, nothing else touched",
        tookMs,
      );
    }
    expect(events.since(from).filter(({ action }) => action === "create")).toHaveLength(2);
    await until(async () => (await daemon.heal("check")).code === 0, "all to be well");
  });

  it("needs no disk: it heals while all it could write to is full, and writes nothing but its socket", async (test) => {
    const full = mkdtempSync(path.join(tmpdir(), "heal-full-"));
    await mustRun("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", full]);
    onTestFinished(async () => {
      await mustRun("umount", [full]);
      rmSync(full, { recursive: true, force: true });
    });
    const before = readdirSync(site.folder);
    const daemon = await twoHealthy({
      logFolder: full,
      variables: { TMPDIR: full, HOME: full, XDG_RUNTIME_DIR: full, XDG_STATE_HOME: full, XDG_CACHE_HOME: full },
    });
    expect(() => writeFileSync(path.join(full, "filler"), Buffer.alloc(1_024 * 1_024))).toThrow(/ENOSPC/);
    const tookMs = await killAndHeal();
    // Also its log is on that disk, and full.
    expect(daemon.hasEnded()).toBe(false);
    expect((await daemon.heal("check")).code).toBe(0);
    expect(readdirSync(full).filter((name) => name !== "filler" && !name.endsWith(".log"))).toEqual([]);
    const written = readdirSync(site.folder).filter((name) => !before.includes(name) && !name.endsWith(".json"));
    expect(written).toEqual([path.basename(daemon.socket)]);
    noteFault(test, "disk full, that of the log included", "healed; nothing written but the socket", tookMs);
  });

  it("heals as fast as ever while mail and webhook take connections and never answer", async (test) => {
    let told = 0;
    const tarpit = await listening(createServer((socket) => void ((told += 1), socket.on("error", () => undefined))));
    const hang = await listening(createHttpServer(() => void (told += 1)));
    const channels = {
      mail: { kind: "mail", smtp: `smtp://127.0.0.1:${tarpit}`, from: "heal@example.org", to: ["ops@example.org"] },
      hook: { kind: "webhook", url: `http://127.0.0.1:${hang}/` },
    };
    const both = ["mail", "hook"];
    const routes = { default: { critical: both, warning: both, wait: "0s" } };
    await twoHealthy({ settings: { alerts: { channels, routes } } });
    await until(
      async () => {
        if (told < 2) await killAndHeal();
        return told >= 2;
      },
      "both to be tried",
      60_000,
    );
    const tookMs = await killAndHeal();
    expect(tookMs).toBeLessThan(5_000);
    noteFault(
      test,
      "mail server a tarpit and webhook hanging, a container killed",
      "healed without waiting for them",
      tookMs,
    );
  });

  it("tells a webhook again that refused, and follows no redirect", async (test) => {
    const answered: number[] = [];
    const broken = await listening(
      createHttpServer((request, response) => {
        request.resume();
        answered.push(answered.length < 2 ? 500 : 200);
        response.writeHead(answered.at(-1) ?? 500).end();
      }),
    );
    let strangers = 0;
    const elsewhere = await listening(
      createHttpServer((_request, response) => void ((strangers += 1), response.end())),
    );
    const moved = await listening(
      createHttpServer((request, response) => {
        request.resume();
        response.writeHead(307, { Location: `http://127.0.0.1:${elsewhere}/` }).end();
      }),
    );
    const channels = {
      broken: { kind: "webhook", url: `http://127.0.0.1:${broken}/` },
      moved: { kind: "webhook", url: `http://127.0.0.1:${moved}/` },
    };
    const both = ["broken", "moved"];
    const routes = { default: { critical: both, warning: both, wait: "0s" } };
    const daemon = await twoHealthy({ settings: { log: { level: "debug" }, alerts: { channels, routes } } });
    const beganAtMs = Date.now();
    await until(
      async () => {
        if (answered.length === 0) await killAndHeal();
        return answered.includes(200);
      },
      "the alert to be taken at last",
      90_000,
    );
    const tookMs = Date.now() - beganAtMs;
    expect(answered.slice(0, 3)).toEqual([500, 500, 200]);
    await until(() => /redirects elsewhere/.test(daemon.log()), "the redirect to be told of");
    expect(strangers).toBe(0);
    expect(await killAndHeal()).toBeLessThan(5_000);
    noteFault(
      test,
      "webhook answers 500 twice, another redirects",
      "told a third time; nothing sent elsewhere; healing as fast as ever",
      tookMs,
    );
  });
});

async function listening(server: Server | ReturnType<typeof createHttpServer>): Promise<number> {
  await new Promise<void>((ready) => void server.listen(0, "127.0.0.1", ready));
  onTestFinished(() => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
