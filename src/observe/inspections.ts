import type { Engine } from "../ports/engine.ts";
import type { ContainerFiles } from "./container-files.ts";
import type { OwnerKey } from "./ownership.ts";

export interface InspectionsDeps {
  readonly inspect: Engine["inspect"];
  readonly files: ContainerFiles;
  /** Told when an inspection has changed something. */
  readonly onChange: (key: OwnerKey) => void;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Inspects containers into the files. One inspection per container at a time: whatever is told of it meanwhile makes
 * for one more afterwards, and a thousand flaps for no more than that.
 */
export function openInspections({ inspect: ask, files, onChange, onFailure }: InspectionsDeps): (id: string) => void {
  const underWay = new Map<string, { again: boolean }>();

  const inspectOnce = async (id: string): Promise<void> => {
    const look = files.begin();
    try {
      const key = files.inspected(look, id, await ask(id));
      if (key !== null) onChange(key);
    } catch (error) {
      files.abandon(look);
      throw error;
    }
  };
  const inspect = async (id: string, mine: { again: boolean }): Promise<void> => {
    try {
      while (mine.again) {
        mine.again = false;
        await inspectOnce(id);
      }
    } catch (error) {
      onFailure(error);
    } finally {
      underWay.delete(id);
    }
  };
  return (id) => {
    const other = underWay.get(id);
    if (other !== undefined) {
      other.again = true;
      return;
    }
    const mine = { again: true };
    underWay.set(id, mine);
    void inspect(id, mine);
  };
}
