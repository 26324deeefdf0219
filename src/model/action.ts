import type { RedisCause, RedisRef, RegistrationKey } from "./redis.ts";

/** Why an action is taken or held: the rule that fired and what it saw. Dry run, log, alert and console render this. */
export interface Because {
  readonly rule: string;
  /** A sentence for the operator. */
  readonly evidence: string;
}

interface ActionBase {
  readonly service: string;
  readonly because: Because;
}

/** A new container, its registration with the owning agent included. */
export interface StartInstance extends ActionBase {
  readonly kind: "start-instance";
  readonly host: string;
  readonly slot: number;
  readonly generation: number;
  /** Deterministic, so that a repeated or competing start collides instead of doubling. */
  readonly name: string;
  readonly specHash: string;
}

/** Consul maintenance on → routes drop it → stop with its grace → deregister → remove. */
export interface StopInstance extends ActionBase {
  readonly kind: "stop-instance";
  readonly host: string;
  readonly containerId: string;
  readonly name: string;
  readonly registration: { readonly id: string; readonly node: string } | null;
  /** How long routes get to drop the instance between maintenance and stop; 0 for one that nobody is routed to. */
  readonly drainMs: number;
  readonly graceMs: number;
}

/** Clears away a container that has ended, with its registration. */
export interface RemoveInstance extends ActionBase {
  readonly kind: "remove-instance";
  readonly host: string;
  readonly containerId: string;
  readonly name: string;
  readonly registration: { readonly id: string; readonly node: string } | null;
}

/** Tells the owning agent of a container that runs but is not (or wrongly) registered. */
export interface RegisterInstance extends ActionBase {
  readonly kind: "register-instance";
  readonly host: string;
  readonly containerId: string;
  readonly name: string;
  readonly slot: number | null;
  /** It did not pass before it went missing from Consul, and is not to be called passing until its check has run. */
  readonly unwell?: boolean;
  /** It is in a maintenance of our own that nobody needs any more. */
  readonly endsMaintenance?: true;
}

/** Takes back a registration that no container stands behind. */
export interface DeregisterInstance extends ActionBase {
  readonly kind: "deregister-instance";
  readonly node: string;
  readonly registrationId: string;
}

export interface CreateSwarmService extends ActionBase {
  readonly kind: "create-swarm-service";
  readonly name: string;
  readonly replicas: number;
  readonly specHash: string;
}

export interface ScaleSwarmService extends ActionBase {
  readonly kind: "scale-swarm-service";
  readonly id: string;
  readonly version: number;
  readonly from: number;
  readonly to: number;
}

/** Removes a task's container so that Swarm starts another in its place. */
export interface ReplaceSwarmTask extends ActionBase {
  readonly kind: "replace-swarm-task";
  readonly host: string;
  readonly containerId: string;
  readonly name: string;
  readonly graceMs: number;
}

export interface ScaleComposeService extends ActionBase {
  readonly kind: "scale-compose-service";
  readonly host: string;
  readonly project: string;
  readonly composeService: string;
  readonly configFiles: readonly string[];
  readonly workingDirectory: string;
  readonly from: number;
  readonly to: number;
}

/**
 * Makes a node the master: tag of the old one off, old one fenced, `REPLICAOF NO ONE`, wait for `role:master`, the
 * others re-pointed one at a time, tags swapped in one transaction. Every step may be repeated.
 */
export interface PromoteReplica extends ActionBase {
  readonly kind: "promote-replica";
  readonly epoch: number;
  readonly cause: RedisCause;
  readonly from: RedisRef | null;
  /** What is done to an old master that may still take writes. */
  readonly fence: "stop-container" | "none";
  readonly to: RedisRef;
  readonly others: readonly RedisRef[];
  /** What the new master is known to be short of; null when that cannot be told. */
  readonly gapBytes: number | null;
}

/** A planned change of master: writes are held until the replica has all of them, so that none is lost. */
export interface SwitchOver extends ActionBase {
  readonly kind: "switch-over";
  readonly epoch: number;
  readonly from: RedisRef;
  readonly to: RedisRef;
  readonly others: readonly RedisRef[];
}

/** Makes a node a replica of the master, after its own data was kept aside where that is not part of the master's. */
export interface AttachReplica extends ActionBase {
  readonly kind: "attach-replica";
  readonly node: RedisRef;
  readonly master: RedisRef;
  /** Name under which its data is kept; null where nothing would be lost. */
  readonly keepAsideAs: string | null;
  /** What is remembered of the settings that it was told. */
  readonly mark: string;
}

/** Tells a node the service's settings (passwords, `min-replicas-to-write`, …). */
export interface ConfigureRedis extends ActionBase {
  readonly kind: "configure-redis";
  readonly node: RedisRef;
  readonly mark: string;
}

/** Has a node's agent forget that the node was the master: when the tag went it could not be told. */
export interface ForgetRole extends ActionBase {
  readonly kind: "forget-role";
  readonly node: RedisRef;
}

/** Sets the role tags of all registrations in one transaction: who is not named has none. */
export interface RetagRoles extends ActionBase {
  readonly kind: "retag-roles";
  readonly consulName: string;
  readonly master: RegistrationKey | null;
  readonly replicas: readonly RegistrationKey[];
  /** Registrations whose role is not known: they keep a replica's tag if they have it. */
  readonly unsure: readonly RegistrationKey[];
  /** Nodes that lose the master's tag: their agents know of it, too. */
  readonly former: readonly RedisRef[];
}

export type RedisAction = PromoteReplica | SwitchOver | AttachReplica | ConfigureRedis | ForgetRole | RetagRoles;

export type Action =
  | RedisAction
  | StartInstance
  | StopInstance
  | RemoveInstance
  | RegisterInstance
  | DeregisterInstance
  | CreateSwarmService
  | ScaleSwarmService
  | ReplaceSwarmTask
  | ScaleComposeService;

/** A rule that would have acted, and why it did not. */
export interface Hold {
  readonly service: string;
  readonly because: Because;
  /** What keeps it: a guard's or a rule's name. */
  readonly heldBy: string;
  /** A sentence for the operator: why not, and what would release it. */
  readonly reason: string;
  /** When it is worth looking again, on the steady clock; null when only an event can release it. */
  readonly untilMs: number | null;
}

/** What came of one action. A failure is a value with what to do next, never an exception. */
export type ActionResult =
  | {
      readonly kind: "done";
      readonly action: Action;
      readonly tookMs: number;
      readonly note: string | null;
      /** Containers whose agents could not be told that they have no Redis role any more. */
      readonly untold?: readonly string[];
    }
  | {
      readonly kind: "failed";
      readonly action: Action;
      readonly tookMs: number;
      readonly message: string;
      /** `later`: back off and try again; `look`: the outcome is unclear, observe first; `never`: a person is needed. */
      readonly retry: "later" | "look" | "never";
    }
  | { readonly kind: "skipped"; readonly action: Action; readonly reason: string };

/** Whether an action takes something away, and so needs a consistent look first. */
export function isDestructive(action: Action): boolean {
  switch (action.kind) {
    case "stop-instance":
    case "remove-instance":
    case "deregister-instance":
    case "replace-swarm-task":
    case "promote-replica":
    case "switch-over":
    case "attach-replica":
    case "retag-roles":
      return true;
    case "scale-swarm-service":
    case "scale-compose-service":
      return action.to < action.from;
    case "start-instance":
    case "register-instance":
    case "create-swarm-service":
    case "configure-redis":
    case "forget-role":
      return false;
  }
}

/** Whether an action is about the roles of a Redis service rather than about how many instances it has. */
export function isRedisAction(action: Action): action is RedisAction {
  switch (action.kind) {
    case "promote-replica":
    case "switch-over":
    case "attach-replica":
    case "configure-redis":
    case "forget-role":
    case "retag-roles":
      return true;
    default:
      return false;
  }
}
