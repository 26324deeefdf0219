import { Resolver } from "node:dns/promises";
import { until } from "../../../test/e2e/support/site.ts";
import { freePort } from "../../machine/state.ts";
import { crash, openRawContainer } from "../harness/raw-container.ts";
import { openRawEngine } from "../harness/raw-engine.ts";
import type { Context, Row, Sample } from "../harness/row.ts";
import { answersAt, stageOf } from "../harness/stage.ts";
import { killable } from "./recover.ts";

const INTERVAL_MS = 1_000;
const FORGOTTEN_AFTER_MS = 1_500;

export const passesRows: readonly Row[] = [
  {
    id: "kill-passes",
    what: "process killed → the replacement passes in Consul and in `heal check`, and is what Consul's DNS answers",
    reference: `\`die\` event, then raw create and start → first answer, and one check interval (${INTERVAL_MS / 1_000} s)`,
    goal: 1.1,
    run: passes,
  },
];

async function passes(context: Context): Promise<readonly Sample[]> {
  const { site, engine, consul } = await open(context);
  const name = `web-${site.environment}`;
  const port = await freePort();
  site.desire({ [name]: service(port) });
  await site.daemon();
  const raw = await openRawContainer(context, engine, "host", "no");
  const dns = await dnsOf(consul);
  const isWell = async () => (await site.heal("check", name)).code === 0;
  await until(isWell, `${name} to pass`, 60_000);
  const samples: Sample[] = [];
  for (let turn = -1; turn < (context.quick ? 4 : 20); turn += 1) {
    const [container] = await site.containers(name);
    if (container === undefined) throw new Error(`${name} has no container`);
    const beganMs = await crash(engine, container.Id);
    await answersAt({ port });
    await until(
      () => isListed(consul, name, container.Names[0]?.slice(1) ?? ""),
      "Consul to find it passing",
      30_000,
      2,
    );
    await until(() => isNamed(dns, name, port), "DNS to name it", 10_000, 2);
    await until(isWell, `${name} to pass again`, 10_000, 2);
    const subject = performance.now() - beganMs;
    const reference = (await raw.recover()) + INTERVAL_MS;
    if (turn >= 0) samples.push({ subject, reference });
    await new Promise((resolve) => setTimeout(resolve, FORGOTTEN_AFTER_MS));
  }
  await site.close();
  await raw.close();
  return samples;
}

async function open(context: Context) {
  const stage = await stageOf(context);
  const engine = await openRawEngine(stage.docker);
  context.undo("raw engine", () => engine.close());
  return { site: stage.site({ environmentSettings: killable }), engine, consul: stage.consul };
}

function service(port: number): object {
  return {
    count: 1,
    container: {
      image: "heal-demo/web:1",
      networks: ["host"],
      environment: { PORT: String(port) },
      stopGrace: "1s",
    },
    health: { http: "/healthz", port, interval: `${INTERVAL_MS}ms`, timeout: "1s", startGrace: "30s" },
  };
}

/** Passing, and not the one that died. */
async function isListed(consul: string, name: string, died: string): Promise<boolean> {
  const answer = await fetch(`${consul}/v1/health/service/${name}?passing`);
  const found = (await answer.json()) as { readonly Service: { readonly Meta: Readonly<Record<string, string>> } }[];
  return found.some(({ Service }) => Service.Meta["heal-container"] !== died);
}

async function dnsOf(consul: string): Promise<Resolver> {
  const answer = await fetch(`${consul}/v1/agent/self`);
  const { DebugConfig } = (await answer.json()) as { readonly DebugConfig: { readonly DNSPort: number } };
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers([`${new URL(consul).hostname}:${DebugConfig.DNSPort}`]);
  return resolver;
}

async function isNamed(dns: Resolver, name: string, port: number): Promise<boolean> {
  const records = await dns.resolveSrv(`${name}.service.consul`).catch(() => []);
  return records.some((record) => record.port === port);
}
