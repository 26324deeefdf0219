import type { Because, Hold, RedisAction } from "../../model/action.ts";
import type { Instance, Registration } from "../../model/instance.ts";
import type { RedisMemory, RedisNodeView, RedisObservation, RedisStanding } from "../../model/redis.ts";
import type { RedisRoles, Service } from "../../model/service.ts";

/** All that is looked at when the roles of one Redis service are decided. */
export interface RedisSituation {
  readonly service: Service;
  readonly roles: RedisRoles;
  readonly instances: readonly Instance[];
  readonly nodes: readonly RedisNodeView[];
  readonly gone: RedisObservation["gone"];
  readonly sentinel: RedisObservation["sentinel"];
  /** Every registration under the service's name, also of those that nobody stands behind. */
  readonly registrations: readonly Registration[];
  readonly silentHosts: Readonly<Record<string, string>>;
  readonly memory: RedisMemory;
  readonly nowMs: number;
}

/** What comes of it. */
export interface RedisDecision {
  readonly actions: readonly RedisAction[];
  readonly holds: readonly Hold[];
  /** As it is before any of the actions; what they intend comes on top. */
  readonly memory: RedisMemory;
  readonly standing: RedisStanding;
  readonly lookAgainAtMs: number | null;
  /** The container that nobody may stop as things stand. */
  readonly masterId: string | null;
  /** While the roles change, instances are neither started nor stopped. */
  readonly busy: boolean;
}

/** One step of a decision: what it does and how the service stands by it. */
export type RedisStep = Omit<RedisDecision, "memory" | "masterId"> &
  Partial<Pick<RedisDecision, "memory" | "masterId">>;

export function step(standing: RedisStanding, more: Partial<RedisStep> = {}): RedisStep {
  return { actions: [], holds: [], lookAgainAtMs: null, busy: false, ...more, standing };
}

/** Nothing is done about the roles, and why. */
export function wait(
  { service }: RedisSituation,
  because: Because,
  kind: RedisStanding["kind"],
  reason: string,
  more: { readonly untilMs?: number; readonly writable?: boolean; readonly busy?: boolean } = {},
): RedisStep {
  const untilMs = more.untilMs ?? null;
  const hold: Hold = { service: service.name, because, heldBy: kind, reason, untilMs };
  return step(
    { kind, sentence: `${because.evidence}: ${reason}`, writable: more.writable ?? false },
    { holds: [hold], lookAgainAtMs: untilMs, busy: more.busy ?? false },
  );
}
