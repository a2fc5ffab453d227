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

/**
 * The inclusion path of entry `index` in the tree of `size` leaves, from the leaf up.
 *
 * @param before the frontier where `entryHashes` begin; `index` lies behind it
 * @param entryHashes hashes of the entries after `before`, up to `size` at least
 */
export function pathOf(
  place: { readonly index: number; readonly size: number },
  before: Frontier,
  entryHashes: readonly Hash[],
  hash: TreeHash,
): readonly Hash[] {
  const path: Hash[] = [];
  let start = 0;
  let end = place.size;
  const leaf = place.index - 1;
  while (end - start > 1) {
    const middle = start + greatestPowerBelow(end - start);
    const inLeft = leaf < middle;
    path.push(
      inLeft
        ? subtree(middle, end, before, entryHashes, hash)
        : subtree(start, middle, before, entryHashes, hash),
    );
    if (inLeft) end = middle;
    else start = middle;
  }
  return path.reverse();
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

/** Root of leaves [start, end): from the frontier as far as it reaches, else from the entries. */
function subtree(
  start: number,
  end: number,
  before: Frontier,
  entryHashes: readonly Hash[],
  hash: TreeHash,
): Hash {
  const known = clip(before, Math.min(start, before.size));
  if (end <= before.size) return known.roots[0] as Hash;
  const fresh = entryHashes.slice(Math.max(start - before.size, 0), end - before.size);
  return rootOf(extend(known, fresh, hash), hash) as Hash;
}

/**
 * The frontier's subtrees from leaf `start` on. A left sibling of an entry behind the frontier
 * either is one of its subtrees or begins with one, because both split at the same powers of two.
 */
function clip({ size, roots }: Frontier, start: number): Frontier {
  let covered = 0;
  let skipped = 0;
  let rest = size;
  while (covered < start) {
    const width = greatestPowerBelow(rest + 1);
    covered += width;
    rest -= width;
    skipped += 1;
  }
  return { size: size - start, roots: roots.slice(skipped) };
}

/** The largest power of two smaller than `count`, which is at least 2. */
function greatestPowerBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}
