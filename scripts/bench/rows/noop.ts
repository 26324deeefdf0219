import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { webService } from "../../../test/e2e/support/services.ts";
import { until } from "../../../test/e2e/support/site.ts";
import { findProgram, mustRun } from "../../machine/processes.ts";
import type { Row } from "../harness/row.ts";
import { NotMeasured } from "../harness/row.ts";
import { stageOf } from "../harness/stage.ts";
import { interleave, timed } from "../harness/turns.ts";

const names = Array.from({ length: 10 }, (_, at) => `noop${at}`);

export const noopRows: readonly Row[] = [
  {
    id: "noop-one-shot",
    what: "`heal` with nothing to do, 10 services, no daemon",
    reference: "`docker-compose up -d` with nothing to do, 10 services",
    goal: 0.2,
    async run(context) {
      const compose = findProgram("docker-compose");
      if (compose === undefined) throw new NotMeasured("docker-compose is not installed");
      const stage = await stageOf(context);
      const site = stage.site();
      site.desire(Object.fromEntries(names.map((name) => [name, webService(1)])));
      await until(async () => (await site.heal()).code === 0, "ten services to be healthy", 120_000);
      const folder = mkdtempSync(join(tmpdir(), "heal-bench-"));
      const services = Object.fromEntries(names.map((name) => [name, { image: "heal-demo/web:1" }]));
      writeFileSync(join(folder, "docker-compose.yml"), JSON.stringify({ version: "3", services }));
      const options = { cwd: folder, env: { ...process.env, DOCKER_HOST: stage.docker }, timeoutMs: 120_000 };
      context.undo("Compose project", async () => {
        await mustRun(compose, ["down", "-t", "1"], options);
        rmSync(folder, { recursive: true, force: true });
      });
      await mustRun(compose, ["up", "-d"], options);
      return interleave(
        context.quick ? 4 : 15,
        1,
        () => timed(() => site.heal()),
        () => timed(() => mustRun(compose, ["up", "-d"], options)),
      );
    },
  },
];
