import { askEngine } from "../machine/engine-api.ts";
import { untilTrue } from "./heal-process.ts";
import type { Screen } from "./screen.ts";
import type { Stage } from "./stage.ts";
import { ENVIRONMENT } from "./stage.ts";

interface Listed {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Ports: readonly { readonly PublicPort?: number }[];
}

/** Starts the daemon and waits until all services are healthy by Consul's own word. */
export async function healthy(screen: Screen, stage: Stage): Promise<void> {
  const { heal } = stage;
  const plan = await heal.ask("--dry-run");
  screen.output("heal --dry-run", plan.text);
  await screen.step("heal run: the daemon leads", () => heal.start());
  await screen.step("web and api pass in Consul", () =>
    untilTrue(async () => (await passing(stage, "web")) === 3 && (await passing(stage, "api")) === 2),
  );
  screen.output("heal status", (await heal.ask("status")).text);
}

/** Kills one container and times the way back: to the first HTTP answer, and to passing in Consul. */
export async function healKilled(screen: Screen, stage: Stage): Promise<void> {
  const before = await containers(stage, "web");
  const victim = before[0];
  if (victim === undefined) throw new Error("web has no container");
  const beganMs = performance.now();
  await askEngine(stage.docker, "POST", `/containers/${victim.Id}/kill`);
  screen.say(`killed ${nameOf(victim)}`);
  const known = new Set(before.map(({ Id }) => Id));
  let replacement = "";
  await untilTrue(
    async () => {
      const fresh = (await containers(stage, "web")).find(({ Id }) => !known.has(Id));
      const port = fresh?.Ports.find(({ PublicPort }) => PublicPort !== undefined)?.PublicPort;
      if (fresh === undefined || port === undefined) return false;
      replacement = nameOf(fresh);
      return answers(port);
    },
    30_000,
    10,
  );
  screen.say(`${replacement} answers HTTP ${Math.round(performance.now() - beganMs)} ms after the kill`);
  await screen.step("web passes in Consul again", () => untilTrue(async () => (await passing(stage, "web")) === 3));
  screen.output("heal why web", (await stage.heal.ask("why", "web")).text);
}

/** Starts a container by hand that nobody asked for: a warning, a mail, and nothing is stopped. */
export async function surplus(screen: Screen, stage: Stage): Promise<void> {
  const { Id } = await askEngine<{ Id: string }>(stage.docker, "POST", "/containers/create?name=web-by-hand", {
    json: {
      Image: "heal-demo/web:1",
      Labels: { "heal.environment": ENVIRONMENT, "heal.service": "web" },
      Env: ["PORT=8000"],
    },
  });
  await askEngine(stage.docker, "POST", `/containers/${Id}/start`);
  screen.say("started web-by-hand with docker, labelled as a container of web");
  await screen.step("heal warns", () => untilTrue(async () => (await stage.heal.ask("check", "web")).code === 1));
  const check = await stage.heal.ask("check", "web");
  screen.output("heal check web", `${check.text.trimEnd()}\n(exit code ${check.code})`);
  const mail = await screen.step("the alert mail arrives", () =>
    stage.mail.mail(({ subject }) => subject?.includes("more than asked for") ?? false, 60_000),
  );
  screen.output(`mail to ${mail.to?.[0]?.address ?? "nobody"}`, `Subject: ${mail.subject}\n\n${mail.text ?? ""}`);
  const running = await containers(stage, "web");
  screen.say(`still running: ${running.length} containers; surplus is a person's decision`);
}

async function containers({ docker }: Stage, service: string): Promise<readonly Listed[]> {
  const filters = { label: [`heal.environment=${ENVIRONMENT}`, `heal.service=${service}`], status: ["running"] };
  return askEngine<Listed[]>(docker, "GET", `/containers/json?filters=${encodeURIComponent(JSON.stringify(filters))}`);
}

async function passing({ consul }: Stage, service: string): Promise<number> {
  const answer = await fetch(`${consul}/v1/health/service/${service}?passing`);
  const entries = (await answer.json()) as { readonly Service: { readonly Meta: Readonly<Record<string, string>> } }[];
  return entries.filter(({ Service }) => Service.Meta["heal-environment"] === ENVIRONMENT).length;
}

async function answers(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(500) })).ok;
  } catch {
    return false; // not listening yet
  }
}

function nameOf({ Names }: Listed): string {
  return Names[0]?.slice(1) ?? "";
}
