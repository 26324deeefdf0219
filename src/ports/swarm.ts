import type { Service } from "../model/service.ts";

/** The managers of a Swarm, through one of the environment's engines. Rejects with `EngineError`. */
export interface Swarm {
  /** null when there is no such service. */
  find(name: string): Promise<SwarmService | null>;
  list(): Promise<readonly SwarmService[]>;
  nodes(): Promise<readonly SwarmNode[]>;
  tasks(serviceName: string): Promise<readonly SwarmTask[]>;
  /** Names the version it read; rejects with `conflict` when somebody changed the service since. */
  scale(id: string, version: number, replicas: number): Promise<void>;
  create(creation: SwarmCreation): Promise<void>;
  /**
   * Follows changes of services and nodes until the signal fires, then resolves; rejects when the stream ends or
   * breaks. `onChange` gets the service's name, or null when a node changed.
   */
  follow(signal: AbortSignal, onOpen: () => void, onChange: (serviceName: string | null) => void): Promise<void>;
}

export interface SwarmService {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly mode: "replicated" | "global";
  readonly replicas: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly updating: boolean;
}

export interface SwarmNode {
  readonly id: string;
  readonly hostname: string;
  readonly address: string;
  readonly state: "ready" | "down";
  readonly availability: "active" | "pause" | "drain";
}

export interface SwarmTask {
  readonly id: string;
  readonly nodeId: string | null;
  readonly state: string;
  readonly desiredState: string;
  readonly containerId: string | null;
}

export interface SwarmCreation {
  readonly name: string;
  readonly service: Service;
  readonly replicas: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}
