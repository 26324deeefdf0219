import { engineContract } from "../adapters/contracts/engine.ts";
import { healthyBehaviour } from "./container.ts";
import { driver } from "./drive.ts";
import { simulatedEngine } from "./engine.ts";
import { blindWitness, fairWeather } from "./fair-weather.ts";
import { machine } from "./machine.ts";
import { network } from "./network.ts";
import { startProcess } from "./process.ts";
import { dice } from "./random.ts";
import { scheduler } from "./scheduler.ts";
import { aTemplate } from "../builders/template.ts";

engineContract("the simulated engine", async () => {
  const time = scheduler();
  const chance = dice(1);
  const behaviours = new Map([["missing:1", { ...healthyBehaviour, missing: true }]]);
  const host = machine({ scheduler: time, dice: chance, behaviours, onContainer: () => {} }, "h1");
  const process = startProcess(time, chance, "p1", "h1");
  const drive = driver(time);
  const found = (id: string) => {
    const container = host.find(id);
    if (container === undefined) throw new Error(`no container ${id}`);
    return container;
  };
  return {
    engine: drive.driven(
      simulatedEngine({ process, machine: host, network: network(), weather: fairWeather, witness: blindWitness() }),
    ),
    image: "web:1",
    missingImage: "missing:1",
    crash: async (id) => {
      host.life.crash(found(id), 137);
      await drive.pass(10);
    },
    startAgain: async (id) => host.life.start(found(id)),
    pause: async (id) => host.life.pause(found(id)),
    unpause: async (id) => host.life.unpause(found(id)),
    startForeign: async (name) => {
      const foreign = host.create({ name, labels: {}, template: aTemplate("web:1"), createdBy: "a person" });
      host.life.start(foreign);
      return foreign.id;
    },
    pass: drive.pass,
    nowMs: () => process.clock.wallMs(),
    close: async () => {},
  };
});
