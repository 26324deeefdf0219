import type { ContainerTemplate } from "../../src/model/service.ts";

/** A container of this image with nothing special about it. */
export function aTemplate(image: string, changes: Partial<ContainerTemplate> = {}): ContainerTemplate {
  return {
    image,
    command: null,
    entrypoint: null,
    environment: {},
    ports: [{ container: 8080, host: null, hostIp: null, protocol: "tcp" }],
    volumes: [],
    networks: [],
    labels: {},
    user: null,
    resources: { cpus: null, memoryBytes: null },
    healthcheck: null,
    stopSignal: null,
    stopGraceMs: 2_000,
    restart: "no",
    init: false,
    privileged: false,
    pid: null,
    ipc: null,
    capabilitiesAdd: [],
    ...changes,
  };
}
