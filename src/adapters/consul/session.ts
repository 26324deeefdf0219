import type { Clock } from "../../ports/clock.ts";
import type { Lease, Session, SessionOptions } from "../../ports/coordination.ts";
import type { Random } from "../../ports/random.ts";
import { RegistryError } from "../../ports/registry.ts";
import type { ConsulConnection, ConsulReply } from "./connection.ts";
import { fields, filledText, list, text } from "./decode.ts";
import { mustBeOk, refusal } from "./failures.ts";
import { readKeys } from "./key-value.ts";
import { json } from "./read.ts";

interface SessionDeps {
  readonly connection: ConsulConnection;
  readonly clock: Clock;
  readonly random: Random;
}

interface Wanted extends SessionOptions {
  readonly environment: string;
  readonly leaderKey: string;
}

/** The agent tells the servers of a new check a moment after it has taken it. */
const checkAppearsWithinMs = 5_000;
const checkLookEveryMs = 50;

/**
 * Registers this process as an instance of the service `heal` with a TTL check, and binds a session to that check and
 * to the node's own: the first goes critical a TTL after the last heartbeat of a dead process, the second when the
 * whole machine is gone and nobody is left to say so. The session has no TTL of its own, which could not be under 10 s.
 * A registration whose process died without taking it back is removed by Consul itself after a minute.
 */
export async function openSession({ connection, clock, random }: SessionDeps, wanted: Wanted): Promise<Session> {
  const serviceId = `heal-${wanted.environment}-${random.uuid()}`;
  const checkId = `service:${serviceId}`;
  const put = (
    path: readonly string[],
    extra: { readonly query?: Record<string, string>; readonly json?: unknown } = {},
  ): Promise<ConsulReply> => connection.request({ method: "PUT", path, ...extra });

  async function takeBack(): Promise<void> {
    await put(["agent", "service", "deregister", serviceId]);
  }

  const service = serviceBody(serviceId, checkId, wanted);
  mustBeOk(await put(["agent", "service", "register"], { json: service }), "registering heal itself");
  let id: string;
  try {
    id = await createSession({ connection, clock }, checkId, wanted);
  } catch (error) {
    // The failure that matters is the first one; a check that stays behind expires by itself.
    await takeBack().catch(() => undefined);
    throw error;
  }

  async function acquire(): Promise<Lease | null> {
    const what = "acquiring the leader key";
    const path = ["kv", ...wanted.leaderKey.split("/")];
    const taken = json(mustBeOk(await put(path, { query: { acquire: id }, json: wanted.holder }), what), what);
    if (taken !== true) return null;
    // The lock index comes from a read, and that read must not be an old one.
    const { value } = await readKeys(connection, wanted.leaderKey, { consistency: "consistent" }, "one");
    const entry = value[0];
    return entry?.session === id ? { sessionId: id, lockIndex: entry.lockIndex } : null;
  }

  async function close(): Promise<void> {
    const path = ["kv", ...wanted.leaderKey.split("/")];
    const released = await put(path, { query: { release: id }, json: wanted.holder });
    const destroyed = await put(["session", "destroy", id]);
    await takeBack();
    mustBeOk(destroyed, "ending the session");
    mustBeOk(released, "releasing the leader key");
  }

  async function renew(): Promise<void> {
    mustBeOk(await put(["agent", "check", "pass", checkId]), "renewing the session's check");
  }

  return { id, renew, acquire, close };
}

function serviceBody(serviceId: string, checkId: string, { holder, checkTtlMs, environment }: Wanted): object {
  return {
    ID: serviceId,
    Name: "heal",
    Tags: [environment],
    Meta: { "heal-version": holder.version, "heal-process": String(holder.processId), "heal-node": holder.node },
    Check: {
      CheckID: checkId,
      Name: "heartbeat of heal",
      TTL: `${checkTtlMs}ms`,
      Status: "passing",
      DeregisterCriticalServiceAfter: "1m",
    },
  };
}

async function createSession(
  { connection, clock }: Omit<SessionDeps, "random">,
  checkId: string,
  { lockDelayMs, environment }: Wanted,
): Promise<string> {
  const what = "opening a session";
  const body = {
    Name: `heal ${environment}`,
    Behavior: "release",
    LockDelay: `${lockDelayMs}ms`,
    NodeChecks: ["serfHealth"],
    ServiceChecks: [{ ID: checkId }],
  };
  const until = clock.steadyMs() + checkAppearsWithinMs;
  for (;;) {
    const reply = await connection.request({ method: "PUT", path: ["session", "create"], json: body });
    if (reply.status === 200)
      return bound(connection, filledText(fields(json(reply, what), what)["ID"], `${what}: ID`), checkId);
    if (!/missing check/i.test(reply.text) || clock.steadyMs() >= until) throw refusal(reply, what);
    await clock.sleep(checkLookEveryMs);
  }
}

/** Consul before 1.7 ignores `ServiceChecks`, and a session bound to nothing would hold the lock of a dead process. */
async function bound(connection: ConsulConnection, id: string, checkId: string): Promise<string> {
  const what = "looking at the session";
  const reply = mustBeOk(await connection.request({ method: "GET", path: ["session", "info", id] }), what);
  const session = list(json(reply, what), what, fields)[0];
  const checks = session?.["ServiceChecks"];
  const isBound =
    Array.isArray(checks) && list(checks, what, fields).some((check) => text(check["ID"], `${what}: ID`) === checkId);
  if (isBound) return id;
  await connection.request({ method: "PUT", path: ["session", "destroy", id] });
  throw new RegistryError("refused", "this Consul cannot bind a session to a service's check: 1.7 or later is needed");
}
