import type { CheckStatus, Registration } from "../model/instance.ts";
import type { HealthCheck } from "../model/service.ts";

/**
 * Consul as a source of health and as the place where instances are registered. Reads reject with `RegistryError`;
 * an answer that came is handed on with what it says about itself, and trust is decided elsewhere.
 */
export interface Registry {
  readService(name: string, options: ReadOptions): Promise<Answer<readonly Registration[]>>;
  /** Every node with its own check. */
  readNodes(options: ReadOptions): Promise<Answer<readonly NodeHealth[]>>;
  /** Names of every service whose checks are not all passing: small, whatever the size of the fleet. */
  readNotPassing(state: "warning" | "critical", options: ReadOptions): Promise<Answer<readonly NotPassing[]>>;
  /** Names of all services, for membership. */
  readServiceNames(options: ReadOptions): Promise<Answer<readonly string[]>>;
  /**
   * What is registered on a node, without its health: tells which service changed where the index only says that one
   * did. A node that is not there has nothing.
   */
  readNodeServices(node: string, options: ReadOptions): Promise<Answer<readonly NodeService[]>>;
  /** With the agent that owns the host; the same id again replaces what it said before. */
  register(host: string, registration: NewRegistration): Promise<void>;
  /** Through the agent that runs on that Consul node; an unknown id is no error. */
  deregister(node: string, registrationId: string): Promise<void>;
  setMaintenance(node: string, registrationId: string, reason: string | null): Promise<void>;
  /** Name of the Consul node whose agent owns the host's registrations. */
  nodeOf(host: string): Promise<string>;
  /** A value of Consul KV for a container's environment; null when there is no such key. */
  readKey(key: string): Promise<string | null>;
}

export interface ReadOptions {
  readonly consistency: "default" | "consistent" | "stale";
  /** An answer that is no older than this will do, on the clock's steady time; absent: it is asked for now. */
  readonly asOfMs?: number;
  /** Blocks until the index passes this one or `waitMs` is over. */
  readonly index?: number;
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

export interface Answer<T> {
  readonly value: T;
  readonly index: number;
  readonly knownLeader: boolean;
  readonly lastContactMs: number;
  /** Results were left out because the token may not see them. */
  readonly filtered: boolean;
  /** When it was asked for, where that was earlier than by whoever gets it now. */
  readonly asOfMs?: number;
}

export interface NodeHealth {
  readonly node: string;
  readonly address: string;
  readonly status: CheckStatus;
}

export interface NotPassing {
  readonly node: string;
  readonly serviceName: string | null;
  readonly serviceId: string | null;
  readonly checkId: string;
}

export interface NodeService {
  readonly id: string;
  readonly serviceName: string;
  /** Moves with every change of the registration, not with its health. */
  readonly modifyIndex: number;
}

export interface NewRegistration {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly tagOverride: boolean;
  readonly health: HealthCheck | null;
  /** What the check shall say until it has run: passing keeps a re-registration from flapping. */
  readonly initialStatus: CheckStatus;
}

/** `denied`: the token may not. `no-leader`: the cluster has none. `unreachable`: nothing was sent. `unclear`: sent, no usable answer. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  readonly kind: "denied" | "no-leader" | "unreachable" | "unclear" | "refused";
  constructor(kind: RegistryError["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
