import { Gauge } from "prom-client";
import type { Registry } from "prom-client";
import type { Standing } from "../model/plan.ts";
import type { Status } from "../model/status.ts";
import { PASSING, statusWord } from "../model/status.ts";

/**
 * Gauges that are made when they are asked for, from how services stand then. Of more than `servicesMax` those that do
 * not pass come first; all are counted in `heal_services`.
 */
export function registerServiceGauges(
  registry: Registry,
  standings: () => readonly Standing[],
  servicesMax: number,
): void {
  const perService = (name: string, help: string, value: (standing: Standing) => number): void => {
    const gauge = new Gauge({
      name,
      help,
      labelNames: ["service"],
      registers: [],
      collect() {
        this.reset();
        for (const standing of worstFirst(standings()).slice(0, servicesMax)) {
          this.set({ service: standing.service }, value(standing));
        }
      },
    });
    registry.registerMetric(gauge);
  };
  perService("heal_service_status", "0 passing, 1 warning, 2 critical, 3 unknown", ({ status }) => status);
  perService("heal_service_desired", "Instances asked for", ({ desired }) => desired);
  perService("heal_service_healthy", "Instances that run and pass", ({ healthy }) => healthy);
  perService("heal_service_surplus", "Instances beyond those asked for", ({ surplus }) => surplus);
  const tally = new Gauge({
    name: "heal_services",
    help: "Services by status",
    labelNames: ["status"],
    registers: [],
    collect() {
      for (const status of statuses) {
        this.set({ status: statusWord(status) }, standings().filter((one) => one.status === status).length);
      }
    },
  });
  registry.registerMetric(tally);
}

const statuses: readonly Status[] = [0, 1, 2, 3];

function worstFirst(standings: readonly Standing[]): readonly Standing[] {
  const passing = standings.filter(({ status }) => status === PASSING);
  return [...standings.filter(({ status }) => status !== PASSING), ...passing];
}
