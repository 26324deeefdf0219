import type { Instance } from "../model/instance.ts";
import { noServiceMemory } from "../model/memory.ts";
import type { Plan } from "../model/plan.ts";
import type { RedisMemory, RedisNodeView, RedisPastChange, RedisWish } from "../model/redis.ts";
import type { RedisNodeReport, RedisReport } from "../model/redis-report.ts";
import type { RedisControl } from "../ports/controller.ts";
import { ControllerError, NotLeader } from "../ports/controller.ts";
import { readRedisMemory } from "../plan/redis/memory.ts";
import type { Decision, Pass, World } from "./reconcile.ts";
import { decide } from "./reconcile.ts";

export interface RedisControlParts {
  readonly world: World;
  readonly run: (services: readonly string[], agreed: (plan: Plan) => void) => Promise<Pass>;
  readonly exclusive: <T>(services: readonly string[], work: () => Promise<T>) => Promise<T>;
  readonly takeOffice: () => Promise<void>;
}

const WISH_MS = 10_000;

/**
 * What a person asks about the roles of a Redis service. A wish is written to Memory, so that it outlives this process,
 * and carried out by an ordinary pass with all its guards; what cannot be done is not left behind.
 */
export function openRedisControl(parts: RedisControlParts): RedisControl {
  const { world } = parts;
  const change = async (service: string, kind: RedisWish["kind"], to: string | null): Promise<RedisReport> => {
    mustHaveRoles(world, service);
    await parts.takeOffice();
    const { epoch } = memoryOf(world, service);
    await wish(parts, service, { kind, to });
    const pass = await parts.run([service], () => undefined);
    const result = pass.results.find(
      ({ action }) => action.kind === "switch-over" || action.kind === "promote-replica",
    );
    // Another pass may have carried it out.
    const isDone = result === undefined ? memoryOf(world, service).epoch > epoch : result.kind === "done";
    // What the nodes said before it was carried out is old by now.
    if (isDone) return reportOf(world, service, await decide(world, [service], "consistent"));
    await wish(parts, service, null);
    throw new ControllerError("refused", whyNot(pass, service, result));
  };
  return {
    async status(service) {
      mustHaveRoles(world, service);
      return reportOf(world, service, await decide(world, [service]));
    },
    switchover: (service, to) => change(service, "switchover", to),
    promote: (service, to) => change(service, "promote", to),
  };
}

function mustHaveRoles(world: World, service: string): void {
  if (world.desired().services[service]?.redis != null) return;
  throw new ControllerError("mistaken", `${service} has no redis section in the desired state`);
}

function memoryOf(world: World, service: string): RedisMemory {
  return readRedisMemory(world.memory.view().services[service]?.redis);
}

async function wish(
  { world, exclusive }: RedisControlParts,
  service: string,
  wished: Omit<RedisWish, "untilMs"> | null,
): Promise<void> {
  await exclusive([service], async () => {
    const before = world.memory.view().services[service] ?? noServiceMemory;
    const untilMs = world.clock.steadyMs() + WISH_MS;
    const redis: RedisMemory = { ...memoryOf(world, service), wish: wished === null ? null : { ...wished, untilMs } };
    const refused = await world.memory.commit(world.fence(), { services: { [service]: { ...before, redis } } });
    if (refused !== null) throw new NotLeader(refused);
  });
}

function whyNot(pass: Pass, service: string, result: Pass["results"][number] | undefined): string {
  if (result?.kind === "failed") return result.message;
  if (result?.kind === "skipped") return result.reason;
  const other = pass.plan.services[service]?.holds.find(({ because }) => because.rule.startsWith("redis-"));
  return reasonOf(pass, service) ?? other?.reason ?? "nothing was to be done: it is the master already";
}

/** What held the change back; null when the pass knew of none. */
function reasonOf(pass: Pass, service: string): string | null {
  const holds = pass.plan.services[service]?.holds ?? [];
  return (
    holds.find(({ because }) => because.rule === "redis-switchover" || because.rule === "redis-failover")?.reason ??
    null
  );
}

function reportOf(world: World, service: string, { observed, plan, memory }: Decision): RedisReport {
  const seen = observed.services[service];
  const redis = readRedisMemory(memory.services[service]?.redis);
  const nodes = seen?.redis?.nodes ?? [];
  const master = nodes.find(({ containerId }) => containerId === redis.master?.containerId);
  const { clock } = world;
  const at = (steadyMs: number): string => new Date(clock.wallMs() + steadyMs - clock.steadyMs()).toISOString();
  const past = redis.last;
  return {
    version: 1,
    environment: world.desired().environment,
    service,
    standing: plan.services[service]?.standing.redis ?? {
      kind: "unseen",
      sentence: "it could not be looked at",
      writable: false,
    },
    epoch: redis.epoch,
    master: redis.master?.name ?? null,
    last: past === null ? null : lastReport(past, at(past.atMs)),
    nodes: nodes.map((view) => nodeReport(view, master, tagsOf(seen?.instances ?? [], view))),
  };
}

function lastReport({ atMs: _atMs, ...past }: RedisPastChange, at: string): RedisReport["last"] {
  return { ...past, at };
}

function tagsOf(instances: readonly Instance[], { containerId }: RedisNodeView): readonly string[] {
  return instances.find(({ container }) => container.id === containerId)?.registration?.tags ?? [];
}

function nodeReport(view: RedisNodeView, master: RedisNodeView | undefined, tags: readonly string[]): RedisNodeReport {
  const node = view.now.kind === "known" ? view.now.value : null;
  const ahead = master?.now.kind === "known" && master !== view ? master.now.value.offset : null;
  const link = node?.follows ?? null;
  return {
    name: view.name,
    host: view.host,
    address: `${view.address.host}:${view.address.port}`,
    role: node?.role ?? null,
    offset: node?.offset ?? null,
    behindBytes: node === null || ahead === null ? null : Math.max(0, ahead - node.offset),
    link: link === null ? null : link.up ? "up" : link.syncing ? "syncing" : "down",
    tags,
    trouble: view.trouble?.message ?? null,
  };
}
