import { describe, expect, it } from "vitest";
import { defaultTuning } from "../../src/model/tuning.ts";
import { formatProblem } from "../../src/model/problem.ts";
import type { DesiredStateOptions } from "../../src/desired/load-desired-state.ts";
import { load, problemsOf, settingsOf, shop, shopVariables } from "./support.ts";

describe("with no file at all, the settings", () => {
  it("are the local agent, the local engine and ./desired-state", async () => {
    expect(await settingsOf(null)).toEqual({
      environment: "default",
      environments: ["default"],
      configFile: null,
      baseDirectory: "/shop",
      consul: { address: "http://127.0.0.1:8500", datacenter: null, token: null, tls: null },
      hosts: {
        local: {
          name: "local",
          docker: { address: "unix:///var/run/docker.sock", tlsDirectory: null },
          consulAgent: "http://127.0.0.1:8500",
          address: null,
        },
      },
      desiredState: ["/shop/desired-state"],
      resync: { schedule: "* * * * *", timezone: "UTC" },
      server: {
        listen: { host: "127.0.0.1", port: 7411 },
        advertise: null,
        token: null,
        socketPath: "/run/heal/default.sock",
      },
      policy: { allow: [] },
      alerts: {
        channels: {},
        routes: {
          default: { critical: [], warning: [], fallback: [], waitMs: 30_000, repeatMs: 14_400_000, quietHours: null },
        },
      },
      leadership: { checkTtlMs: 1_800, lockDelayMs: 1_500 },
      tuning: defaultTuning,
      startsPerHost: 4,
      log: { level: "info" },
    });
  });

  it("are the same with an empty object in the file", async () => {
    expect(await settingsOf({})).toEqual({ ...(await settingsOf(null)), configFile: "/shop/heal.json" });
  });

  it("are what a desired state is loaded with", async () => {
    const options: DesiredStateOptions = await settingsOf(null);
    expect(options.environment).toBe("default");
  });
});

describe("the example that shows every section", () => {
  it("is valid and has its secrets read", async () => {
    const loaded = await load(shop, { variables: shopVariables });
    if (loaded.kind === "invalid") throw new Error(loaded.problems.map(formatProblem).join("\n"));
    const { settings, warnings } = loaded;
    expect(warnings).toEqual([]);
    expect(settings.environment).toBe("live");
    expect(settings.environments).toEqual(["live", "test"]);
    expect(settings.consul).toMatchObject({ datacenter: "dc1", address: "http://127.0.0.1:8500" });
    expect(settings.consul.token?.reveal()).toBe("b1gs33cr3t");
    expect(settings.hosts["h2"]).toEqual({
      name: "h2",
      docker: { address: "tcp://192.0.2.12:2376", tlsDirectory: "/shop/certs/h2" },
      consulAgent: "http://192.0.2.12:8500",
      address: "192.0.2.12",
    });
    expect(settings.desiredState).toEqual(["/shop/desired-state/common", "/shop/desired-state/live"]);
    expect(settings.alerts.channels["ops-mail"]).toMatchObject({
      kind: "mail",
      host: "127.0.0.1",
      port: 25,
      encryption: "opportunistic",
    });
    expect(settings.alerts.channels["ops-sms"]).toMatchObject({
      template: { path: "/shop/sms.liquid", text: "{{ title }}" },
    });
    expect(settings.alerts.routes["shop-team"]).toMatchObject({ critical: ["ops-chat"], waitMs: 30_000 });
  });

  it("shows no secret however it is printed", async () => {
    const loaded = await load(shop, { variables: shopVariables });
    for (const secret of ["b1gs33cr3t", "SEC1", "access_token"]) expect(JSON.stringify(loaded)).not.toContain(secret);
  });

  it("heals without the key of a chat, and says so", async () => {
    const { "/shop/sms.liquid": _template, ...lacking } = shop;
    const loaded = await load(lacking, { variables: { DINGTALK_URL: "not an address" } });
    if (loaded.kind === "invalid") throw new Error(loaded.problems.map(formatProblem).join("\n"));
    expect(loaded.warnings.map(formatProblem)).toEqual([
      expect.stringMatching(
        /^\/shop\/heal\.json:43:19: the channel cannot be used: its url is not an http:\/\/ or https:\/\/ address$/,
      ),
      expect.stringMatching(
        /^\/shop\/heal\.json:44:18: the channel cannot be used: \/shop\/sms\.liquid does not exist$/,
      ),
    ]);
    expect(loaded.settings.alerts.channels["ops-chat"]).toMatchObject({ kind: "unusable", wanted: "dingtalk" });
    expect(loaded.settings.alerts.channels["ops-mail"]?.kind).toBe("mail");
  });

  it("is another environment by --env or HEAL_ENV", async () => {
    const environmentOf = async (environment: string | null, HEAL_ENV?: string): Promise<string> => {
      const loaded = await load(shop, { environment, variables: { ...shopVariables, HEAL_ENV } });
      return loaded.kind === "valid" ? loaded.settings.environment : "invalid";
    };
    expect(await environmentOf("test")).toBe("test");
    expect(await environmentOf(null, "test")).toBe("test");
    expect(await environmentOf("live", "test")).toBe("live");
    expect(await environmentOf(null, "")).toBe("live");
  });
});

describe("the settings", () => {
  it("are frozen through and through", async () => {
    const settings = await settingsOf({ policy: { allow: ["privileged"] } });
    expect(() => (settings.policy.allow as string[]).push("docker-socket")).toThrow(TypeError);
    expect(() => Object.assign(settings.hosts, { h9: {} })).toThrow(TypeError);
  });

  it("come from --config, else HEAL_CONFIG, and have paths relative to that file", async () => {
    const files = { "/etc/heal/a.json": "{}", "/srv/b.json": "{}" };
    const both = await settingsOf(
      null,
      { configPath: "/etc/heal/a.json", variables: { HEAL_CONFIG: "/srv/b.json" } },
      files,
    );
    expect([both.configFile, both.desiredState]).toEqual(["/etc/heal/a.json", ["/etc/heal/desired-state"]]);
    const byVariable = await settingsOf(null, { variables: { HEAL_CONFIG: "../srv/b.json" } }, files);
    expect(byVariable.baseDirectory).toBe("/srv");
  });

  it("are refused when the file that is named does not exist", async () => {
    expect(await problemsOf(null, { configPath: "/nowhere.json" })).toEqual([
      "/nowhere.json:1:1: does not exist (expected a settings file)",
    ]);
  });

  it.each([
    [
      { environments: { live: {}, test: {} } },
      null,
      {},
      "/shop/heal.json:2:19: there are several environments and none is chosen (expected one of live, test)",
    ],
    [
      { environments: { live: {}, test: {} } },
      "lvie",
      {},
      '--env:1:1: there is no environment "lvie": did you mean "live"? (expected one of live, test)',
    ],
    [
      { environments: { live: {} } },
      null,
      { HEAL_ENV: "prod" },
      '$HEAL_ENV:1:1: there is no environment "prod" (expected one of live)',
    ],
    [
      { environments: { live: {} }, defaultEnvironment: "liv" },
      null,
      {},
      '/shop/heal.json:5:25: there is no environment "liv": did you mean "live"? (expected one of live)',
    ],
    [null, "live", {}, '--env:1:1: there is no environment "live" (expected one of default)'],
  ])("of %j with --env %j and %j are refused", async (file, environment, variables, problem) => {
    expect(await problemsOf(file, { environment, variables })).toEqual([problem]);
  });

  it("of an environment win over those for all", async () => {
    const file = {
      server: { listen: "none" },
      blastRadius: { stopsPerWindow: 3, window: "1m" },
      environments: { live: { blastRadius: { stopsPerWindow: 1 }, log: { level: "debug" } } },
    };
    const settings = await settingsOf(file);
    expect(settings.tuning.blastRadius).toEqual({ stopsPerWindow: 1, windowMs: 60_000, shareOfFleet: 0.3 });
    expect(settings.server.listen).toBeNull();
    expect(settings.log.level).toBe("debug");
  });

  it.each<[unknown, string]>([
    ["{", "1:2: the file ends here, half-way (expected the rest of the JSON object)"],
    [[], '1:1: a list stands here (expected an object such as { "environments": … })'],
    [{ enviroments: {} }, '2:3: unknown key "enviroments": did you mean "environments"?'],
    [{ environments: {} }, "2:19: has too few keys"],
    [{ environments: { "my.env": {} } }, '3:5: "my.env" cannot be a name here'],
    [
      { environments: { a: { consul: { address: "ftp://x" } } } },
      "5:20: this is not an address of Consul (expected http://HOST:PORT",
    ],
    [{ environments: { a: { hosts: { h1: { docker: "npipe://x" } } } } }, "6:21: this is not an engine's address"],
    [
      { environments: { a: { hosts: { h1: {}, h2: { docker: "unix:///var/run/docker.sock" } } } } },
      '6:15: this is the same engine as "h1"',
    ],
    [{ environments: { a: { hosts: { h1: { tls: { directory: "certs" } } } } } }, "6:18: only tcp:// engines have TLS"],
    [
      { environments: { a: { hosts: { h1: { docker: "tcp://h1:2376", tls: { directory: "certs" } } } } } },
      "8:26: /shop/certs/ca.pem does not exist",
    ],
    [{ environments: { a: { desiredState: [] } } }, "4:23: has too few entries"],
    [{ resync: { schedule: "61 * * * *" } }, "3:17: this is not a schedule"],
    [{ resync: { timezone: "Europe/Berln" } }, "3:17: there is no such time zone"],
    [
      { server: { listen: "127.0.0.1" } },
      '3:15: "127.0.0.1" is not usable here (expected host:port such as 127.0.0.1:7411, or none)',
    ],
    [{ server: { listen: ":::70000" } }, "is not usable here"],
    [{ server: { listen: "0.0.0.0:70000" } }, "3:15: 70000 is not a port"],
    [{ server: { socket: "x".repeat(101) } }, "3:15: has too many characters"],
    [{ blastRadius: { shareOfFleet: 0 } }, "3:21: 0 is not usable here (expected a share above 0, at most 1)"],
    [{ policy: { allow: ["everything"] } }, '4:7: "everything" is not usable here (expected a power such as'],
    [{ healing: { backOff: { initial: "10m" } } }, "4:18: the first wait is longer than the longest"],
    [{ leadership: { lockDelay: "0s" } }, '3:18: "0s" is not usable here (expected a duration from 1s to 1m'],
    [{ alerts: { routes: { default: { critical: ["ops"] } } } }, '6:11: there is no channel "ops"'],
    [{ alerts: { routes: { default: { quietHours: { from: "22:00", to: "22:00" } } } } }, "is the same as from"],
    [
      { alerts: { channels: { a: { kind: "sms" } } } },
      '5:17: "sms" is not known here (expected one of "mail", "slack"',
    ],
    [{ alerts: { channels: { a: { url: "x" } } } }, '"kind" is missing here (expected one of "mail"'],
    [{ alerts: { channels: { a: { kind: "slack" } } } }, '"url" is missing here (expected a reference'],
  ])("%j are refused: %s", async (file, problem) => {
    const [first, ...more] = await problemsOf(file);
    expect(first).toContain(problem);
    expect(more).toEqual([]);
  });

  it("tell everything that is wrong at once, in the order of the file", async () => {
    const file = {
      resync: { timezone: "Mars" },
      environments: { a: { consul: { address: "x y" }, hosts: { h1: { docker: "?" } } } },
    };
    const problems = await problemsOf(file);
    expect(problems.map((problem) => Number(problem.split(":")[1]))).toEqual([3, 8, 12]);
  });

  it.each([
    [
      "root, whatever its session",
      { isRoot: true, variables: { XDG_RUNTIME_DIR: "/run/user/0" } },
      "/run/heal/default.sock",
    ],
    [
      "a person in a session",
      { isRoot: false, userId: 7, variables: { XDG_RUNTIME_DIR: "/run/user/7" } },
      "/run/user/7/heal/default.sock",
    ],
    ["a person without", { isRoot: false, userId: 7 }, "/tmp/heal-7/default.sock"],
  ])("have a socket for %s", async (_who, facts, socketPath) => {
    expect((await settingsOf(null, facts)).server.socketPath).toBe(socketPath);
  });
});
