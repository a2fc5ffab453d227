/**
 * Remembers the subtrees of the log's Merkle tree that were hashed for a path: under one checkpoint
 * or under later ones, paths share nearly all of them.
 *
 * Invariant: only subtrees of committed entries are asked for, so none ever changes.
 */
import type { Hash } from "../consensus/ids.ts";
import type { Remember } from "../consensus/merkle.ts";

export type SubtreeMemory = {
  readonly remember: Remember;
  /** Forgets subtrees that begin before leaf `start`: the log no longer does. */
  forget(start: number): void;
  /** How many are held: at most one for every 16 leaves from the last `forget` on. */
  size(): number;
};

/** Below this, hashing the leaves again costs less than holding their subtrees is worth. */
const widthMin = 32;

export function createSubtreeMemory(): SubtreeMemory {
  /** By width, then by first leaf. */
  const held = new Map<number, Map<number, Hash>>();
  let firstLeaf = 0;

  function subtreesOf(width: number): Map<number, Hash> {
    const known = held.get(width);
    if (known !== undefined) return known;
    const none = new Map<number, Hash>();
    held.set(width, none);
    return none;
  }

  return {
    remember(start, width, make) {
      if (width < widthMin || start < firstLeaf) return make();
      const ofWidth = subtreesOf(width);
      const known = ofWidth.get(start) ?? make();
      ofWidth.set(start, known);
      return known;
    },
    forget(start) {
      if (start === firstLeaf) return;
      firstLeaf = start;
      for (const ofWidth of held.values()) {
        for (const first of ofWidth.keys()) if (first < start) ofWidth.delete(first);
      }
    },
    size: () => [...held.values()].reduce((sum, { size }) => sum + size, 0),
  };
}
