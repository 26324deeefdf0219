import { EngineError } from "../../ports/engine.ts";
import type { DockerConnection } from "./connection.ts";

const callMs = 10_000;
const pollMs = 50;

/** Runs a program in a running container, detached, and asks until it has ended: nothing of it is read along. */
export async function runInContainer(
  connection: DockerConnection,
  id: string,
  command: readonly string[],
  deadlineMs: number,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const untilMs = connection.clock.steadyMs() + deadlineMs;
  const what = `run ${command[0]} in ${id}`;
  const exec = await connection.call(what, callMs, (docker) => docker.getContainer(id).exec({ Cmd: [...command] }));
  await connection.call(what, callMs, (docker) => docker.getExec(exec.id).start({ Detach: true }));
  for (;;) {
    const now = await connection.call(what, callMs, (docker) => docker.getExec(exec.id).inspect());
    if (!now.Running && now.ExitCode !== null)
      return { exitCode: now.ExitCode, output: `it ended with ${now.ExitCode}` };
    if (connection.clock.steadyMs() >= untilMs) throw new EngineError("unclear", `${what}: it does not end`);
    await connection.clock.sleep(pollMs);
  }
}
