/** A line of history: begun empty, or where another was left. */
interface Branch {
  readonly from: Dataset | null;
}

/** What a Redis process holds: the first `writes` writes of a line of history, those of its ancestors counted in. */
export interface Dataset {
  readonly branch: Branch;
  readonly writes: number;
}

export function noData(): Dataset {
  return { branch: { from: null }, writes: 0 };
}

export function withOneMore({ branch, writes }: Dataset): Dataset {
  return { branch, writes: writes + 1 };
}

/** A history that goes on from here on its own. */
export function branchedOff(from: Dataset): Dataset {
  return { branch: { from }, writes: from.writes };
}

/** Whether all of `part` is in `whole`. What holds nothing is in everything. */
export function holds(whole: Dataset, part: Dataset): boolean {
  let own = part;
  // Where a branch has nothing of its own yet it is no more than what it came from.
  while (own.branch.from !== null && own.writes === own.branch.from.writes) own = own.branch.from;
  if (own.writes === 0) return true;
  for (let at: Dataset | null = whole; at !== null; at = at.branch.from) {
    if (at.branch === own.branch) return at.writes >= own.writes;
  }
  return false;
}
