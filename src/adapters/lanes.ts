/** Runs a piece of work once there is room for it. */
export interface Lanes {
  <T>(work: () => Promise<T>): Promise<T>;
  /** Whether a piece of work would begin at once. */
  isFree(): boolean;
}

/**
 * At most so many pieces of work at once, in the order in which they were asked for. What waits stands in one list whose
 * places are emptied: in a linked list of many thousands, as `p-limit` has, each answer is kept by the dead place before
 * it until the whole heap is collected.
 */
export function openLanes(atOnce: number): Lanes {
  let waiting: ((() => void) | undefined)[] = [];
  let first = 0;
  let underWay = 0;

  const next = (): void => {
    underWay -= 1;
    const begin = waiting[first];
    if (begin === undefined) return;
    waiting[first] = undefined;
    first += 1;
    if (first === waiting.length) {
      waiting = [];
      first = 0;
    }
    begin();
  };
  const isFree = (): boolean => underWay < atOnce;
  const run = <T>(work: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const begin = async (): Promise<void> => {
        underWay += 1;
        try {
          resolve(await work());
        } catch (error) {
          reject(error);
        } finally {
          next();
        }
      };
      if (isFree()) void begin();
      else waiting.push(begin);
    });
  return Object.assign(run, { isFree });
}
