import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { until } from "../../../test/e2e/support/site.ts";
import { freePort } from "../../machine/state.ts";
import { started } from "./node-process.ts";
import { crash } from "./raw-container.ts";
import type { RawEngine } from "./raw-engine.ts";
import { recordBetween } from "./recording-proxy.ts";
import type { Context } from "./row.ts";
import type { Stage } from "./stage.ts";

/** Bare Node in heal's place (`bare/healer.ts`), between itself and the engine the same proxy as heal has. */
export interface BareHealer {
  /** Kills its container; `die` sent to it → its create request arrives. */
  dieToCreate(): Promise<number>;
  close(): Promise<void>;
}

export async function openBareHealer(context: Context, stage: Stage, engine: RawEngine): Promise<BareHealer> {
  const folder = mkdtempSync(join(tmpdir(), "heal-bench-"));
  const proxy = await recordBetween(stage.docker);
  const name = `bare-${process.pid}`;
  const script = ["--import", "tsx", resolve("scripts/bench/bare/healer.ts")];
  const args = [...script, proxy.address, stage.consul, name, String(await freePort())];
  const process_ = await started(context, args, join(folder, "healer.log"), "ready");
  const close = async (): Promise<void> => {
    await process_.stop();
    proxy.close();
    rmSync(folder, { recursive: true, force: true });
  };
  context.undo("bare healer", close);
  const filters = encodeURIComponent(JSON.stringify({ label: [`bare=${name}`] }));
  return {
    async dieToCreate() {
      const running = await engine.ask<{ Id: string }[]>("GET", `/containers/json?filters=${filters}`);
      await crash(engine, running[0]?.Id ?? "");
      let tookMs: number | null = null;
      await until(() => (tookMs ??= proxy.lastDieToCreateMs()) !== null, "bare Node to put its container back");
      return tookMs ?? Number.NaN;
    },
    close,
  };
}
