import type { Status } from "../model/status.ts";

/** Makes each service's standing visible as a check in Consul. Rejects with `RegistryError`. */
export interface Publisher {
  /**
   * Everything there is to show; what is not named any more is withdrawn. What has not changed is sent again only with
   * `refresh`.
   */
  publish(checks: readonly PublishedCheck[], refresh: boolean): Promise<void>;
  withdraw(): Promise<void>;
}

export interface PublishedCheck {
  readonly service: string;
  readonly status: Status;
  /** The line that `heal check` prints. */
  readonly line: string;
}
