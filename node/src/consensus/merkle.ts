/**
 * The Merkle tree over the log (RFC 9162, section 2.1): leaf i−1 is entry i.
 *
 * A replica keeps no whole tree, only the frontier where its log begins: the roots of the perfect
 * subtrees that cover everything before. That, and the hashes of the entries kept, give the root at
 * any later size and the path of any entry kept.
 */
import type { Hash } from "./ids.ts";

/** SHA-256(0x00 ‖ entry hash) and SHA-256(0x01 ‖ left ‖ right). Handed in, like the digest. */
export type TreeHash = {
  leaf(entryHash: Hash): Hash;
  node(left: Hash, right: Hash): Hash;
};

/** Roots of the perfect subtrees that cover the first `size` leaves, largest first. */
export type Frontier = { readonly size: number; readonly roots: readonly Hash[] };

export const emptyFrontier: Frontier = { size: 0, roots: [] };

/** A frontier has a subtree for each one bit of its size. */
export function isFrontier({ size, roots }: Frontier): boolean {
  return roots.length === size.toString(2).replaceAll("0", "").length;
}

/** Adds entries' hashes, in order. Costs two hashes an entry, amortised. */
export function extend(frontier: Frontier, entryHashes: readonly Hash[], hash: TreeHash): Frontier {
  const roots = [...frontier.roots];
  let { size } = frontier;
  for (const entryHash of entryHashes) {
    let root = hash.leaf(entryHash);
    // Each set low bit of the size is a perfect subtree that the new leaf completes to a larger one.
    for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) {
      root = hash.node(roots.pop() as Hash, root);
    }
    roots.push(root);
    size += 1;
  }
  return { size, roots };
}

/** The tree head, or `null` for an empty tree, which no checkpoint covers. */
export function rootOf({ roots }: Frontier, hash: TreeHash): Hash | null {
  return roots.reduceRight<Hash | null>(
    (right, left) => (right === null ? left : hash.node(left, right)),
    null,
  );
}

/** Root of the perfect subtree over the leaves [start, start + width): a power of two divides start. */
export type Subtrees = (start: number, width: number) => Hash;
/** Keeps what it was once told: the roots of perfect subtrees of a committed log never change. */
export type Remember = (start: number, width: number, make: () => Hash) => Hash;

/** The inclusion path of entry `index` in the tree of `size` leaves, from the leaf up. */
export function pathOf(
  place: { readonly index: number; readonly size: number },
  subtreeAt: Subtrees,
  hash: TreeHash,
): readonly Hash[] {
  const path: Hash[] = [];
  let start = 0;
  let end = place.size;
  const leaf = place.index - 1;
  while (end - start > 1) {
    const middle = start + greatestPowerBelow(end - start);
    const inLeft = leaf < middle;
    path.push(inLeft ? range(middle, end, subtreeAt, hash) : subtreeAt(start, middle - start));
    if (inLeft) end = middle;
    else start = middle;
  }
  return path.reverse();
}

/**
 * The perfect subtrees that paths of entries behind `before` need: those of the frontier as they
 * are, the others from the entries. A left sibling on such a path either is one of the frontier's
 * subtrees or is made of the last of them and of entries, because both split at the same powers.
 *
 * @param before where the log begins
 * @param entryHashAt hash of an entry by its index; asked only for entries behind `before`
 */
export function subtreesOf(
  before: Frontier,
  entryHashAt: (index: number) => Hash,
  hash: TreeHash,
  remember: Remember = (_start, _width, make) => make(),
): Subtrees {
  const known = placesOf(before);
  function subtreeAt(start: number, width: number): Hash {
    if (start + width <= before.size) {
      const subtree = known.get(start);
      if (subtree?.width === width) return subtree.root;
      throw new Error(`the log begins after entry ${before.size}: no path from before it`);
    }
    if (width === 1) return hash.leaf(entryHashAt(start + 1));
    const half = width / 2;
    const make = () => hash.node(subtreeAt(start, half), subtreeAt(start + half, half));
    return remember(start, width, make);
  }
  return subtreeAt;
}

/** Folds a path back to the root that it proves (RFC 9162, section 2.1.3.2), or `null`. */
export function rootOfPath(
  place: { readonly index: number; readonly size: number; readonly entryHash: Hash },
  path: readonly Hash[],
  hash: TreeHash,
): Hash | null {
  let position = place.index - 1;
  let last = place.size - 1;
  if (position < 0 || position > last) return null;
  let root = hash.leaf(place.entryHash);
  for (const sibling of path) {
    if (last === 0) return null;
    if (position % 2 === 1 || position === last) {
      root = hash.node(sibling, root);
      while (position % 2 === 0 && position !== 0) {
        position /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      root = hash.node(root, sibling);
    }
    position = Math.floor(position / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? root : null;
}

/** Root of leaves [start, end), the right edge of a tree: perfect subtrees, largest first. */
function range(start: number, end: number, subtreeAt: Subtrees, hash: TreeHash): Hash {
  const roots: Hash[] = [];
  let at = start;
  while (at < end) {
    const width = greatestPowerBelow(end - at + 1);
    roots.push(subtreeAt(at, width));
    at += width;
  }
  return rootOf({ size: end - start, roots }, hash) as Hash;
}

type Subtree = { readonly width: number; readonly root: Hash };

/** The frontier's subtrees by their first leaf. */
function placesOf({ size, roots }: Frontier): ReadonlyMap<number, Subtree> {
  const places = new Map<number, Subtree>();
  let start = 0;
  for (const root of roots) {
    const width = greatestPowerBelow(size - start + 1);
    places.set(start, { width, root });
    start += width;
  }
  return places;
}

/** The largest power of two smaller than `count`, which is at least 2. */
function greatestPowerBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}
