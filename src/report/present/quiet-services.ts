import type { Standing } from "../../model/plan.ts";
import { PASSING } from "../../model/status.ts";

/**
 * Which services deserve lines of their own: among few all do, among many those that do not pass or that something is
 * done about, so that one in trouble is not lost among hundreds that are well.
 */
export function notable<T extends { readonly standing: Standing }>(
  services: readonly T[],
  isBusy: (service: T) => boolean,
): { readonly shown: readonly T[]; readonly quiet: number } {
  if (services.length <= fewMax) return { shown: services, quiet: 0 };
  const shown = services.filter((service) => service.standing.status !== PASSING || isBusy(service));
  return { shown, quiet: services.length - shown.length };
}

const fewMax = 20;
