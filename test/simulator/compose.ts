import type { ContainerTemplate } from "../../src/model/service.ts";
import { EngineError } from "../../src/ports/engine.ts";
import type { Compose, ComposeProject } from "../../src/ports/compose.ts";
import type { TrueContainer } from "./container.ts";
import { isUp } from "./container.ts";
import type { Machine } from "./machine.ts";
import type { Network } from "./network.ts";
import type { Process } from "./process.ts";
import { order } from "./wire.ts";
import type { Call, Line, Weather } from "./wire.ts";

/** What a project's files say. */
export interface ComposeFile {
  readonly project: string;
  readonly host: string;
  readonly services: Readonly<
    Record<string, { readonly template: ContainerTemplate; readonly unscalable: string | null }>
  >;
}

export interface SimulatedComposeDeps {
  readonly process: Process;
  readonly machines: Readonly<Record<string, Machine>>;
  readonly files: readonly ComposeFile[];
  readonly network: Network;
  readonly weather: Weather;
  readonly witness: { scaledCompose(process: Process, project: string, service: string, to: number): void };
}

const calls = {
  describe: { name: "compose.describe", mutates: false, deadlineMs: 10_000 },
  scale: { name: "compose.scale", mutates: true, deadlineMs: 60_000 },
} as const satisfies Record<string, Call>;

/** The Compose port of one controller: the tool runs beside it and speaks with the host's engine. */
export function simulatedCompose(deps: SimulatedComposeDeps): Compose {
  const { process, machines, files, witness } = deps;
  const { scheduler, dice } = process;

  const machineOf = (project: ComposeProject): Machine => {
    const machine = machines[project.host];
    if (machine === undefined) throw new EngineError("refused", `no host ${project.host}`);
    return machine;
  };
  const line = (machine: Machine): Line => ({
    process,
    server: machine,
    network: deps.network,
    weather: deps.weather,
    error: (kind, message) => new EngineError(kind, message),
  });
  const fileOf = (project: ComposeProject): ComposeFile => {
    const file = files.find((one) => one.project === project.name && one.host === project.host);
    if (file === undefined) throw new EngineError("refused", `no configuration file of ${project.name}`);
    return file;
  };

  return {
    describe: (project, service) =>
      order(line(machineOf(project)), calls.describe, (reply) => {
        const { services } = fileOf(project);
        const facts = { services: Object.keys(services), unscalable: services[service]?.unscalable ?? null };
        scheduler.after(dice.int(300, 1_200), () => reply.ok(facts));
      }),
    scale: (project, service, replicas) => {
      const machine = machineOf(project);
      return order(line(machine), calls.scale, (reply) => {
        const entry = fileOf(project).services[service];
        if (entry === undefined) throw new EngineError("refused", `no such service: ${service}`);
        scheduler.after(dice.int(500, 2_500), () => {
          if (machine.state() !== "up") return reply.fail(new EngineError("unclear", "the engine went away"));
          try {
            scaleComposeService(machine, project.name, service, entry.template, replicas);
            witness.scaledCompose(process, project.name, service, replicas);
            reply.ok(undefined);
          } catch (error) {
            reply.fail(error as Error);
          }
        });
      });
    },
  };
}

/** As `docker compose up --scale --no-recreate`: what exists is started, what is missing created, the newest go first. */
export function scaleComposeService(
  machine: Machine,
  project: string,
  service: string,
  template: ContainerTemplate,
  replicas: number,
): void {
  const own = [...machine.containers.values()]
    .filter((one) => one.compose?.project === project && one.compose.service === service)
    .sort((a, b) => a.compose!.number - b.compose!.number);
  const kept = own.slice(0, replicas);
  for (const one of own.slice(replicas)) machine.remove(one);
  for (const one of kept) if (!isUp(one)) machine.life.start(one);
  const taken = new Set(kept.map((one) => one.compose!.number));
  for (let number = 1; kept.length < replicas; number += 1) {
    if (taken.has(number)) continue;
    const created: TrueContainer = machine.create({
      name: `${project}_${service}_${number}`,
      labels: {},
      template,
      createdBy: "compose",
      compose: {
        project,
        service,
        number,
        workingDirectory: `/srv/${project}`,
        configFiles: [`/srv/${project}/compose.yml`],
      },
    });
    kept.push(created);
    machine.life.start(created);
  }
}
