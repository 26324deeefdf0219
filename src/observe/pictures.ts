import type { Instance } from "../model/instance.ts";

/** Counts, per service, the consistent looks in a row that gave the same picture. */
export interface Pictures {
  /** Gives how many have agreed so far, this one included. */
  see(service: string, instances: readonly Instance[]): number;
  /** A look of any other kind, or one that failed: the next one begins anew. */
  forget(service: string): void;
}

export function openPictures(): Pictures {
  const last = new Map<string, { readonly picture: string; readonly agreeing: number }>();
  return {
    see(service, instances) {
      const picture = pictureOf(instances);
      const before = last.get(service);
      const agreeing = before?.picture === picture ? before.agreeing + 1 : 1;
      last.set(service, { picture, agreeing });
      return agreeing;
    },
    forget: (service) => void last.delete(service),
  };
}

function pictureOf(instances: readonly Instance[]): string {
  return instances
    .map(({ container, registration, current }) => {
      const listed = registration === null ? "-" : `${registration.id} ${registration.node} ${registration.port}`;
      return `${container.id} ${container.state} ${current} ${listed}`;
    })
    .sort()
    .join("\n");
}
