import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normaliseService } from "../../src/desired/normalise.ts";
import { checkPolicy } from "../../src/desired/policy.ts";
import { problemsOf, webFile } from "./support/load.ts";
import { property } from "../support/property.ts";

describe("a container is refused", () => {
  it.each<[string, object, string]>([
    ["privileged", { privileged: true }, "privileged"],
    ["the host's network", { networks: ["host"] }, "host-network"],
    ["another container's network", { networks: ["container:db"] }, "container-network"],
    ["the host's processes", { pid: "host" }, "host-pid"],
    ["another container's processes", { pid: "container:db" }, "container-pid"],
    ["the host's memory", { ipc: "host" }, "host-ipc"],
    ["another container's memory", { ipc: "container:db" }, "container-ipc"],
    ["a capability", { capabilitiesAdd: ["NET_ADMIN"] }, "cap:NET_ADMIN"],
    ["a capability by its other spelling", { capabilitiesAdd: ["cap_sys_admin"] }, "cap:SYS_ADMIN"],
    ["heal's own token", { environment: { T: { env: "CONSUL_HTTP_TOKEN" } } }, "variable:CONSUL_HTTP_TOKEN"],
  ])("%s", (_what, part, allow) => {
    expect(breaches(part)).toEqual([allow]);
    expect(breaches(part, [allow])).toEqual([]);
    expect(
      breaches(
        part,
        ["host-network-x", "mount:/", "cap:ALL"].filter((name) => name !== allow),
      ),
    ).toEqual([allow]);
  });

  it.each([
    ["/var/run/docker.sock", "docker-socket"],
    ["/run/docker.sock", "docker-socket"],
    ["/var/run/../run/docker.sock", "docker-socket"],
    ["//var//run/./docker.sock", "docker-socket"],
    ["/srv/../var/run/docker.sock", "docker-socket"],
    ["/run/containerd/containerd.sock", "docker-socket"],
    ["/home/me/.docker/run/docker.sock", "docker-socket"],
    ["/", "mount:/"],
    ["//", "mount:/"],
    ["/.", "mount:/"],
    ["/srv/..", "mount:/"],
    ["/../../", "mount:/"],
    ["/var/run", "mount:/run"],
    ["/var/run/", "mount:/run"],
    ["/var", "mount:/var"],
    ["/var/lib", "mount:/var/lib"],
    ["/var/lib/docker/volumes", "mount:/var/lib/docker/volumes"],
    ["/proc", "mount:/proc"],
    ["/proc/1/root", "mount:/proc/1/root"],
    ["/sys/fs/cgroup", "mount:/sys/fs/cgroup"],
    ["/dev/sda", "mount:/dev/sda"],
    ["/etc/shadow", "mount:/etc/shadow"],
    ["/etc/ssl/certs/../../shadow", "mount:/etc/shadow"],
    ["/root/.ssh", "mount:/root/.ssh"],
    ["/usr/bin", "mount:/usr/bin"],
  ])("mounting %s", (source, allow) => {
    expect(breaches({ volumes: [`${source}:/x`] })).toEqual([allow]);
    expect(breaches({ volumes: [`${source}:/x:ro`] })).toEqual([allow]);
    expect(breaches({ volumes: [`${source}:/x`] }, [allow])).toEqual([]);
  });

  it("writing to what may be read", () => {
    expect(breaches({ volumes: ["/etc/localtime:/etc/localtime"] })).toEqual(["mount:/etc/localtime"]);
  });
});

describe("a container may have", () => {
  it.each([
    ["a named volume", { volumes: ["data:/var/lib/docker"] }],
    ["a directory of no importance", { volumes: ["/srv/shop:/etc", "/variable:/x", "/etcetera:/x", "/opt/shop:/x"] }],
    ["the time zone, read-only", { volumes: ["/etc/localtime:/etc/localtime:ro", "/usr/share/zoneinfo:/z:ro"] }],
    ["networks of its own", { networks: ["shop", "hosted", "none"] }],
    ["memory of its own", { ipc: "private" }],
    ["a variable of heal's", { environment: { A: { env: "API_KEY" } } }],
  ])("%s", (_what, part) => {
    expect(breaches(part)).toEqual([]);
  });
});

describe("what is allowed", () => {
  it("covers what lies below a directory, and nothing beside it", () => {
    const shadow = { volumes: ["/etc/shadow:/x"] };
    expect(breaches(shadow, ["mount:/etc"])).toEqual([]);
    expect(breaches(shadow, ["mount:/etc/"])).toEqual([]);
    expect(breaches(shadow, ["mount:/"])).toEqual([]);
    expect(breaches(shadow, ["mount:/etc/shadow2"])).toEqual(["mount:/etc/shadow"]);
    expect(breaches(shadow, ["mount:/et"])).toEqual(["mount:/etc/shadow"]);
    expect(breaches(shadow, ["mount:/etc/../srv"])).toEqual(["mount:/etc/shadow"]);
    expect(breaches(shadow, ["file:/etc"])).toEqual(["mount:/etc/shadow"]);
  });

  it("is asked for when a file is loaded, with the place", async () => {
    const file = webFile({ count: 1, container: { image: "a", volumes: ["/srv:/srv", "/:/host"] } });
    expect(await problemsOf(file)).toEqual([
      '/state/web.json:9:11: mounting / gives power over the host and is not allowed (expected it gone, or "mount:/" in policy.allow of heal.json)',
    ]);
    expect(await problemsOf(file, { policy: { allow: ["mount:/"] } })).toEqual([]);
  });

  const detour = fc.constantFrom("/.", "//", "/x/..", "/./", "/a/b/../..");
  property([fc.constantFrom("/etc", "/proc/1", "/", "/run", "/var/lib/docker"), fc.array(detour, { maxLength: 4 })])(
    "cannot be had by another spelling of a path",
    (path, detours) => {
      const spelt = `${detours.join("")}${path}`;
      expect(breaches({ volumes: [`${spelt}:/x`] })).toEqual(breaches({ volumes: [`${path}:/x`] }));
      expect(breaches({ volumes: [`${spelt}:/x`] })).toHaveLength(1);
    },
  );
});

function breaches(part: object, allow: readonly string[] = []): readonly string[] {
  const service = normaliseService("web", { count: 1, container: { image: "a", ...part } });
  return checkPolicy(service, { allow }).map((breach) => breach.allow);
}
