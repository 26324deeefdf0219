/** Lets one piece of work begin only when the one before it has ended. */
export interface Turn {
  take<T>(work: () => Promise<T>): Promise<T>;
}

export function openTurn(): Turn {
  let last: Promise<unknown> = Promise.resolve();
  return {
    take(work) {
      const mine = last.then(work);
      // Whoever took the turn hears of the failure; the next one goes on all the same.
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}
