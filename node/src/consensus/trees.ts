/**
 * The Merkle tree over a replica's log, as frontiers: one where its log begins, and one at some of
 * the checkpoints since. They lie within the committed log, so none is ever taken back.
 */
import type { Entry } from "./entry.ts";
import { between } from "./log.ts";
import { extend, type Frontier } from "./merkle.ts";
import type { Replica } from "./replica.ts";

/** Frontiers closer together than this many entries are not worth keeping both. */
const spacing = 500;

/**
 * The tree over the first `size` entries.
 *
 * @param entries the log to take, after its common prefix with the replica's own; none by default
 * @returns null when `size` is out of reach: before the first entry kept, or beyond the last
 */
export function frontierAt(
  { trees, log, setup }: Replica,
  size: number,
  entries: readonly Entry[] = [],
): Frontier | null {
  const known = trees.findLast((frontier) => frontier.size <= size);
  if (known === undefined) return null;
  const first = entries[0]?.index ?? Number.POSITIVE_INFINITY;
  const own = between(log, known.size, Math.min(size, first - 1));
  const others = entries.filter(({ index }) => index > known.size && index <= size);
  const hashes = [...own, ...others].map(({ hash }) => hash);
  const reached = extend(known, hashes, setup.treeHash);
  return reached.size === size ? reached : null;
}

/** Remembers the frontier of a checkpoint, so that the next one need not begin at the base. */
export function rememberFrontier(replica: Replica, frontier: Frontier): Replica {
  const { trees } = replica;
  const newest = trees.at(-1);
  if (newest !== undefined && newest.size >= frontier.size) return replica;
  const before = trees.at(-2);
  const isClose = before !== undefined && frontier.size - before.size < spacing;
  return { ...replica, trees: [...(isClose ? trees.slice(0, -1) : trees), frontier] };
}

/** After the log lost its entries up to `base.size`. */
export function treesFrom(trees: readonly Frontier[], base: Frontier): readonly Frontier[] {
  return [base, ...trees.filter(({ size }) => size > base.size)];
}
