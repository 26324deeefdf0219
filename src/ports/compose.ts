/** The real `docker compose` or `docker-compose`, whichever the machine has. Rejects with `EngineError`. */
export interface Compose {
  /** What the project's files say of one service, read through the tool itself. */
  describe(project: ComposeProject, service: string): Promise<ComposeServiceFacts>;
  /** Brings the service to `replicas` without recreating any container that exists. */
  scale(project: ComposeProject, service: string, replicas: number): Promise<void>;
}

export interface ComposeProject {
  readonly name: string;
  readonly host: string;
  readonly workingDirectory: string;
  readonly configFiles: readonly string[];
}

export interface ComposeServiceFacts {
  readonly services: readonly string[];
  /** Why it cannot run more than one instance on a host (`build` only, `container_name`, fixed host port), or null. */
  readonly unscalable: string | null;
}
