/** What a real engine (20.10, API 1.41) answered, shortened to one container; the base that tests bend. */
export const id = "4fa6e0f0c6786287e131c3852c58a2e01cc697a68231826813597e4994f1d6e2";

export const labels = {
  "heal.environment": "live",
  "heal.service": "web",
  "heal.slot": "3",
  "heal.generation": "2",
  "heal.spec-hash": "abc",
};

export const listed = {
  Id: id,
  Names: ["/heal.live.web.3.2"],
  Image: "web:1",
  Created: 1_785_000_000,
  Ports: [
    { PrivatePort: 9_090, Type: "tcp" },
    { IP: "::", PrivatePort: 8_080, PublicPort: 32_768, Type: "tcp" },
    { IP: "0.0.0.0", PrivatePort: 8_080, PublicPort: 32_768, Type: "tcp" },
  ],
  Labels: labels,
  State: "running",
  Status: "Up 5 minutes (healthy)",
  HostConfig: { NetworkMode: "default" },
  NetworkSettings: { Networks: { bridge: { IPAddress: "172.17.0.2" } } },
};

export const inspected = {
  Id: id,
  Created: "2026-07-25T17:20:00.123456789Z",
  Name: "/heal.live.web.3.2",
  State: {
    Status: "running",
    ExitCode: 0,
    StartedAt: "2026-07-25T17:20:01.5Z",
    FinishedAt: "0001-01-01T00:00:00Z",
    Health: { Status: "healthy" },
  },
  HostConfig: { NetworkMode: "default", RestartPolicy: { Name: "unless-stopped", MaximumRetryCount: 0 } },
  Config: { Labels: labels },
  NetworkSettings: {
    Ports: {
      "9090/tcp": null,
      "8080/tcp": [
        { HostIp: "::", HostPort: "32768" },
        { HostIp: "0.0.0.0", HostPort: "32768" },
      ],
    },
    Networks: { bridge: { IPAddress: "172.17.0.2" } },
  },
};

export const everything = { environment: "live", service: null, composeProjects: [], swarmServices: [] };
