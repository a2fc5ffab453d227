/** What makes a frontier one of a snapshot's: the rest of the log's tree is built on it. */
import type { Frontier } from "../consensus/merkle.ts";

/** Does it have the shape of the tree over the first `index` entries: a subtree for each one bit? */
export function covers({ size, roots }: Frontier, index: number): boolean {
  const ones = size.toString(2).replaceAll("0", "").length;
  return size === index && roots.length === ones;
}
