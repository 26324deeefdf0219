/**
 * heal is killed at every step of telling people: before and after each line of SMTP, each request to a receiver and
 * each write of its alerts' state, while an alert begins and while it ends. The next daemon must leave nobody untold.
 */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Server } from "node:net";
import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";
import { expect, inject, it, onTestFinished } from "vitest";
import { noteFault } from "../support/fault-report.ts";
import { openGround, openWay } from "../support/ground.ts";
import { settles } from "../support/invariants.ts";
import { by, startPeer, tellIfFailed, type Peer } from "../support/peers.ts";
import { changes, pass, type Exchange } from "../support/proxy.ts";
import { webService } from "../support/services.ts";
import { until } from "../support/site.ts";

const docker = inject("docker");
const consul = inject("consul");

/** Steps that take place, `mail: data 2` is the second of its kind; at one of them the daemon dies, and whoever it spoke to sees it go. */
interface Steps {
  readonly taken: readonly string[];
  take(kind: string): Promise<void>;
  /** From now on, counted anew, `victim` dies at this step. */
  arm(victim: Peer, step: string | null): void;
}

function countSteps(): Steps {
  let taken: string[] = [];
  let armed: { readonly victim: Peer; readonly step: string | null } | null = null;
  return {
    get taken() {
      return taken;
    },
    async take(kind) {
      const step = `${kind} ${taken.filter((one) => one.startsWith(`${kind} `)).length + 1}`;
      taken.push(step);
      if (step === armed?.step) await armed.victim.crash();
    },
    arm(victim, step) {
      taken = [];
      armed = { victim, step };
    },
  };
}

interface Told {
  readonly by: "mail" | "robot" | "hook";
  readonly state: "firing" | "resolved";
}

it("leaves nobody untold when it is killed at any step of telling", { timeout: 600_000 }, async (test) => {
  const steps = countSteps();
  const told: Told[] = [];
  const smtp = await mailServer(steps, told);
  const robot = await receiver(steps, "robot", told, '{"errcode":0,"errmsg":"ok"}');
  const hook = await receiver(steps, "hook", told, "");
  const proxy = await openWay(consul);
  const { site } = await openGround();
  const kinds = ["mail", "robot", "hook"] as const;
  const variables = { HEAL_TEST_ROBOT: robot };
  const options = {
    environmentSettings: by(docker, proxy.http),
    variables,
    settings: {
      alerts: {
        channels: {
          mail: { kind: "mail", smtp: `smtp://127.0.0.1:${smtp}`, from: "heal@example.org", to: ["ops@example.org"] },
          robot: { kind: "dingtalk", url: { env: "HEAL_TEST_ROBOT" } },
          hook: { kind: "webhook", url: hook },
        },
        routes: { default: { critical: kinds, warning: kinds, wait: "0s" } },
      },
    },
  };
  proxy.treat((exchange) => {
    if (writesAlerts(exchange)) void steps.take("write");
    return pass;
  });
  const peers: Peer[] = [];
  onTestFinished(async ({ task }) => {
    tellIfFailed(task, peers);
    for (const peer of peers) await peer.stop();
  });
  const start = async (): Promise<Peer> => {
    const peer = await startPeer(site, options);
    peers.push(peer);
    return peer;
  };
  const isTold = (state: Told["state"]) => (): boolean =>
    kinds.every((kind) => told.some((one) => one.by === kind && one.state === state));

  let twice = 0;
  const places = new Set<string>();
  // First nobody dies: that tells which steps there are. The order in which they come differs from turn to turn.
  const due = new Set<string | null>([null]);
  for (const step of due) {
    expect(due.size).toBeLessThan(80);
    site.desire({ web: webService(2, { surplus: { after: "100ms" } }) });
    let daemon = await start();
    await settles(site, consul, "web", 2);
    told.length = 0;
    steps.arm(daemon, step);
    const goOn = async (): Promise<void> => {
      if (!daemon.hasEnded()) return;
      places.add(step ?? "by itself");
      daemon = await start();
    };
    const wait = async (state: Told["state"]): Promise<void> => {
      const done = isTold(state);
      await until(() => done() || daemon.hasEnded(), `${state} to be told (death at ${step})`, 30_000);
      await goOn();
      await until(done, `${state} to be told after the death at ${step}`, 30_000);
    };
    site.desire({ web: webService(1, { surplus: { after: "100ms" } }) });
    await wait("firing");
    site.desire({ web: webService(2, { surplus: { after: "100ms" } }) });
    await wait("resolved");
    twice += told.length - 2 * kinds.length;
    if (step === null) for (const taken of steps.taken) due.add(taken);
    await daemon.stop();
    peers.splice(0);
    await fetch(`${consul}/v1/kv/heal/${site.environment}/memory/alerts`, { method: "DELETE" });
  }
  const everywhere = [
    "write 1",
    "write 2",
    "mail: data 1",
    "mail: taken 1",
    "robot 1",
    "robot: taken 2",
    "hook: taken 1",
  ];
  expect([...places]).toEqual(expect.arrayContaining(everywhere));
  expect(places.size).toBeGreaterThan(15);
  noteFault(
    test,
    `daemon killed -9 at each of ${places.size} steps of telling an alert and its end (mail, robot, webhook, state)`,
    `every channel was told of both; ${twice} messages came twice`,
    null,
  );
});

const writesAlerts = (exchange: Exchange): boolean => changes(exchange) && /\/v1\/(txn|kv)/.test(exchange.path);

async function mailServer(steps: Steps, told: Told[]): Promise<number> {
  const at = (step: string) => (done: (error?: Error | null) => void) =>
    void steps.take(`mail: ${step}`).then(() => done());
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onConnect: (_session, done) => at("connect")(done),
    onMailFrom: (_address, _session, done) => at("from")(done),
    onRcptTo: (_address, _session, done) => at("to")(done),
    async onData(stream, _session, done) {
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      await steps.take("mail: data");
      const { subject = "" } = await PostalMime.parse(Buffer.concat(chunks));
      told.push({ by: "mail", state: stateOf(subject) });
      await steps.take("mail: taken");
      done();
    },
  });
  server.on("error", () => undefined);
  return listening(server as unknown as Server, server.server);
}

async function receiver(steps: Steps, kind: "robot" | "hook", told: Told[], answer: string): Promise<string> {
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    await steps.take(kind);
    told.push({ by: kind, state: stateOf(body) });
    await steps.take(`${kind}: taken`);
    response.setHeader("content-type", "application/json").end(answer);
  };
  const server = createHttpServer((request, response) => void take(request, response));
  return `http://127.0.0.1:${await listening(server, server)}/`;
}

const stateOf = (text: string): Told["state"] => (/resolved/i.test(text) ? "resolved" : "firing");

async function listening(server: Server, port: Server): Promise<number> {
  await new Promise<void>((ready) => void server.listen(0, "127.0.0.1", ready));
  onTestFinished(() => new Promise<void>((closed) => void server.close(() => closed())));
  return (port.address() as AddressInfo).port;
}
