/**
 * A blocking read that nothing ends is answered after its wait with what was there before, and asked again: as long as
 * nothing goes wrong that is not played, and the wait is held instead. Before anything goes wrong all that are held are
 * told, and from then on each has what is left of its wait, drawn.
 */
export interface Rests {
  /** Holds the wait until `begin` is called; gives how to forget it. */
  hold(begin: () => void): () => void;
  /** To be called before anything goes wrong. */
  endAll(): void;
}

export function rests(): Rests {
  const held = new Set<() => void>();
  return {
    hold(begin) {
      held.add(begin);
      return () => void held.delete(begin);
    },
    endAll() {
      for (const begin of held) begin();
      held.clear();
    },
  };
}
