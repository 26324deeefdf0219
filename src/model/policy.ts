/**
 * What desired-state files may ask for although it gives a container power over its host. `allow` holds names:
 * `privileged`, `host-network`, `host-pid`, `host-ipc`, `docker-socket`, `mount:/etc`, `cap:NET_ADMIN`, …
 */
export interface Policy {
  readonly allow: readonly string[];
}
