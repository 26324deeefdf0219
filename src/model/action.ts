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

export type Action =
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
  | { readonly kind: "done"; readonly action: Action; readonly tookMs: number; readonly note: string | null }
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
      return true;
    case "scale-swarm-service":
    case "scale-compose-service":
      return action.to < action.from;
    case "start-instance":
    case "register-instance":
    case "create-swarm-service":
      return false;
  }
}
