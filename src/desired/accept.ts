import type { DesiredState, Service } from "../model/service.ts";

export type Acceptance =
  | { readonly kind: "accept" }
  | {
      readonly kind: "needs-confirmation";
      /** A sentence for the operator. */
      readonly reason: string;
      /** Services that would be asked for no more, in alphabetical order. */
      readonly removed: readonly string[];
      /** What the operator passes to say that this very state is meant. */
      readonly confirm: string;
    };

/**
 * Whether a new desired state may take the place of the last one. An emptied directory or a wrong checkout is a valid
 * state too, so one that suddenly asks for much less waits for a person: when every service has vanished, or when more
 * than half of four or more have vanished or been set to 0 at once. `confirmed` is the hash that the operator passed.
 */
export function acceptNewDesiredState(
  last: DesiredState | null,
  next: DesiredState,
  confirmed: string | null = null,
): Acceptance {
  if (last === null || confirmed === next.hash) return { kind: "accept" };
  const before = Object.values(last.services).filter(({ count }) => count > 0);
  const vanished = before.filter(({ name }) => serviceOf(next, name) === undefined);
  const removed = before.filter(({ name }) => (serviceOf(next, name)?.count ?? 0) === 0);
  if (before.length > 0 && vanished.length === before.length) {
    return confirmation(next, vanished, `all ${before.length} services have vanished from the desired state`);
  }
  if (before.length >= enoughToCompare && removed.length * 2 > before.length) {
    return confirmation(
      next,
      removed,
      `${removed.length} of ${before.length} services have vanished or been set to 0 at once`,
    );
  }
  return { kind: "accept" };
}

/** Among fewer, more than half is one or two, which is everyday work. */
const enoughToCompare = 4;

function serviceOf(desired: DesiredState, name: string): Service | undefined {
  return Object.hasOwn(desired.services, name) ? desired.services[name] : undefined;
}

function confirmation(next: DesiredState, removed: readonly Service[], reason: string): Acceptance {
  return { kind: "needs-confirmation", reason, removed: removed.map(({ name }) => name).sort(), confirm: next.hash };
}
