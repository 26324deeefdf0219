import { describe, expect, it } from "vitest";
import { definitions } from "../../src/cli/definitions.ts";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { ControllerError, InvalidInput } from "../../src/ports/controller.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { EngineError } from "../../src/ports/engine.ts";
import { fakeController } from "./support/fake-controller.ts";
import { fakeTerminal, runHeal } from "./support/run-heal.ts";

describe("help", () => {
  it("lists every command and explains every exit code", async () => {
    const { code, out, err } = await runHeal(["--help"]);
    expect([code, err]).toEqual([0, ""]);
    for (const { name, summary } of definitions) {
      expect(out.replace(/\s+/g, " ")).toContain(summary);
      expect(out).toMatch(new RegExp(`^  ${name}\\b`, "m"));
    }
    const { interrupted, ...codes } = EXIT;
    for (const number of [...Object.values(codes), interrupted.SIGINT])
      expect(out).toMatch(new RegExp(`\\b${number} `));
  });

  it.each(definitions.map(({ name }) => name))(
    "of %s has its options, those of all commands, and examples",
    async (name) => {
      const { code, out } = await runHeal([name, "--help"]);
      const definition = definitions.find((one) => one.name === name);
      expect(code).toBe(0);
      expect(out).toContain("Examples:\n");
      for (const option of ["--json", "--config <file>", "--env <name>"]) expect(out).toContain(option);
      for (const { form } of definition?.options ?? []) expect(out).toContain(form);
      for (const [line] of definition?.examples ?? []) expect(out).toContain(line);
    },
  );

  it("prints the version", async () => {
    expect(await runHeal(["--version"])).toMatchObject({ code: 0, out: "0.1.0\n" });
  });

  it("keeps to the width of the terminal", async () => {
    const { out } = await runHeal(["--help"], { terminal: { outColumns: 80 } });
    const commands = out.slice(out.indexOf("Commands:"), out.indexOf("Without a command"));
    expect(Math.max(...commands.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  });
});

describe("a failure says what is wrong and what to do", () => {
  const failing = (trouble: unknown) => ({ wiring: { openOneShot: async () => Promise.reject(trouble) } });

  it.each<readonly [unknown, number, string]>([
    [
      new EngineError("unreachable", "connect ENOENT /var/run/docker.sock"),
      69,
      "heal: Docker: connect ENOENT /var/run/docker.sock\n      see hosts in heal.json\n",
    ],
    [
      new ControllerError("denied", "this user may not use the socket"),
      77,
      "heal: this user may not use the socket\n      ask as the daemon's own user or root, or with server.token\n",
    ],
    [
      new InvalidInput("the settings are not valid", [
        { file: "heal.json", line: 1, column: 2, message: "no\u001b[2J\nJSON", expected: null },
      ]),
      78,
      "heal.json:1:2: no [2J JSON\nheal: the settings are not valid\n      correct what is named; `heal validate` tells whether all is well\n",
    ],
  ])("%s", async (error, code, text) => {
    expect(await runHeal(["status"], failing(error))).toMatchObject({ code, out: "", err: text });
  });

  it("a bug is called one, with the place and without a stack trace", async () => {
    const { code, err } = await runHeal(["status"], failing(new TypeError("x is undefined")));
    expect(code).toBe(70);
    expect(err.split("\n")).toHaveLength(3);
    expect(err).toContain("heal: this is a bug in heal: TypeError: x is undefined\n      please report it");
    expect(err).toMatch(/main\.test\.ts:\d+/);
  });

  it("is JSON when JSON was asked for, whatever fails", async () => {
    const asJson = async (argv: readonly string[], around = {}) => {
      const { out, err, code } = await runHeal([...argv, "--json"], around);
      expect(err).toBe("");
      return [code, JSON.parse(out)];
    };
    expect(await asJson(["--no-such"])).toMatchObject([64, { version: 1, error: { code: "usage" } }]);
    expect(await asJson(["wbe"])).toMatchObject([64, { error: { code: "unknown-service", suggestion: "web" } }]);
    expect(await asJson(["status"], failing(new TypeError("x")))).toMatchObject([70, { error: { code: "bug" } }]);
    const problems = [{ file: "heal.json", line: 1, column: 2, message: "wrong", expected: null }];
    expect(await asJson(["status"], failing(new InvalidInput("no", problems)))).toMatchObject([
      78,
      { error: { code: "configuration", problems } },
    ]);
  });
});

describe("an interruption", () => {
  it("ends the command with its own exit code, and gives back what was opened", async () => {
    const terminal = fakeTerminal();
    const oneShot = fakeController({
      pass: () => {
        terminal.interrupt("SIGINT");
        return new Promise(() => undefined);
      },
    });
    const { code } = await runHeal([], { oneShot, terminal });
    expect([code, oneShot.closed()]).toEqual([130, 1]);
    expect(terminal.written.err).toContain("heal: interrupted by SIGINT\n");
  });
});

describe("what takes over a second", () => {
  /** Time passes as soon as somebody waits for it, for three seconds. */
  function passing(onEnd: () => void): Clock {
    let nowMs = 0;
    return {
      steadyMs: () => nowMs,
      wallMs: () => nowMs,
      sleep: () => new Promise(() => undefined),
      after(ms, callback) {
        queueMicrotask(() => {
          nowMs += ms;
          if (nowMs > 3_000) onEnd();
          else callback();
        });
        return () => undefined;
      },
    };
  }

  async function slow(errIsTerminal: boolean) {
    let end = (): void => undefined;
    const finished = new Promise<void>((resolve) => (end = resolve));
    const fake = fakeController();
    const oneShot = fakeController({ pass: (...given) => finished.then(() => fake.pass(...given)) });
    if (!errIsTerminal) queueMicrotask(() => end());
    return runHeal([], { oneShot, clock: passing(() => end()), terminal: { errIsTerminal } });
  }

  it("is shown on a terminal, and goes when it is done", async () => {
    const { err, out } = await slow(true);
    expect(err).toBe(`\rhealing … 1s\rhealing … 2s\rhealing … 3s\r${" ".repeat(19)}\r`);
    expect(out).not.toContain("…");
  });

  it("is not shown elsewhere", async () => {
    expect((await slow(false)).err).toBe("");
  });
});

it("warnings of the settings are told on a terminal, and nowhere else", async () => {
  const warnings = [{ file: "heal.json", line: 9, column: 3, message: "the variable KEY is not set", expected: null }];
  const settings = { environment: "live" } as never;
  const around = { wiring: { loadSettings: async () => ({ settings, warnings }) } };
  const onTerminal = await runHeal(["status"], { ...around, terminal: { errIsTerminal: true } });
  expect(onTerminal.err).toBe("warning: heal.json:9:3: the variable KEY is not set\n");
  expect((await runHeal(["status"], around)).err).toBe("");
});
