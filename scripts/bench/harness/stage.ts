import { existsSync } from "node:fs";
import http from "node:http";
import { openSite } from "../../../test/e2e/support/site.ts";
import type { Site } from "../../../test/e2e/support/site.ts";
import { ensureConsul } from "../../machine/consul.ts";
import { ensureDocker } from "../../machine/docker.ts";
import { ensureImages } from "../../machine/images.ts";
import { mustRun } from "../../machine/processes.ts";
import { ensureSwarm } from "../../machine/swarm.ts";
import type { Context } from "./row.ts";

/** A real engine and a real Consul, those of the variables or our own, and the built program. */
export interface Stage {
  readonly docker: string;
  readonly consul: string;
  /** An environment of its own; cleared away at the end, or earlier by its own `close`. */
  site(more?: { readonly docker?: string; readonly environmentSettings?: object; readonly settings?: object }): Site;
}

export function stageOf(context: Context): Promise<Stage> {
  return context.once("stage", async () => {
    const { say } = context;
    if (!existsSync("dist/bin.js")) await mustRun("npm", ["run", "build"], { env: process.env, timeoutMs: 120_000 });
    const docker = process.env["HEAL_TEST_DOCKER"] ?? (await own(context, "Docker", ensureDocker({ say }))).dockerHost;
    const consul = process.env["HEAL_TEST_CONSUL"] ?? (await own(context, "Consul", ensureConsul({ say }))).address;
    await ensureImages(docker, ["heal-demo/web:1"], { say });
    context.undo("Swarm", await ensureSwarm(docker));
    return {
      docker,
      consul,
      site(more = {}) {
        const site = openSite({ docker, consul, ...more });
        context.undo(`environment ${site.environment}`, () => site.close());
        return site;
      },
    };
  });
}

async function own<Part extends { stop(): Promise<void> }>(
  context: Context,
  name: string,
  starting: Promise<Part>,
): Promise<Part> {
  const part = await starting;
  context.undo(name, () => part.stop());
  return part;
}

/** Where something answers HTTP; on this machine unless it says another address. */
export interface Place {
  readonly address?: string;
  readonly port: number;
}

/** When somebody answers there; asks again without a pause, since a pause would be measured too. */
export async function answersAt(place: Place, withinMs = 30_000): Promise<number> {
  const endMs = performance.now() + withinMs;
  while (performance.now() < endMs) {
    if (await answers(place)) return performance.now();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error(`nobody answered at port ${place.port} within ${withinMs / 1_000} s`);
}

/**
 * While a published port changes hands, what connects to it may be sent to an address where nobody is any more, and
 * waits a second for TCP to try again. So each question is given up soon.
 */
const PATIENCE_MS = 50;

function answers({ address = "127.0.0.1", port }: Place): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get(
      { host: address, port, path: "/healthz", agent: false, timeout: PATIENCE_MS },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    request.on("error", () => resolve(false)).on("timeout", () => request.destroy());
  });
}
