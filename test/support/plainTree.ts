/** RFC 9162 as it is written, against which the cheaper ways are held. */

import { createHash } from "node:crypto";
import { type Hash, hash } from "../../node/src/consensus/ids.ts";
import type { TreeHash } from "../../node/src/consensus/merkle.ts";

export const sha256 = (...parts: readonly Uint8Array[]): Hash =>
  hash(createHash("sha256").update(Buffer.concat(parts)).digest("hex"));
const bytesOf = (text: Hash): Buffer => Buffer.from(text, "hex");
export const plainTree: TreeHash = {
  leaf: (entryHash) => sha256(Buffer.of(0), bytesOf(entryHash)),
  node: (left, right) => sha256(Buffer.of(1), bytesOf(left), bytesOf(right)),
};

/** Section 2.1.1. */
export function plainRoot(entryHashes: readonly Hash[]): Hash {
  const [only] = entryHashes;
  if (entryHashes.length === 1 && only !== undefined) return plainTree.leaf(only);
  const split = splitOf(entryHashes.length);
  const [left, right] = [entryHashes.slice(0, split), entryHashes.slice(split)];
  return plainTree.node(plainRoot(left), plainRoot(right));
}

/** Section 2.1.3.1; from the leaf up, of the entry with this index, counted from 1. */
export function plainPath(index: number, entryHashes: readonly Hash[]): readonly Hash[] {
  if (entryHashes.length === 1) return [];
  const split = splitOf(entryHashes.length);
  const [left, right] = [entryHashes.slice(0, split), entryHashes.slice(split)];
  return index <= split
    ? [...plainPath(index, left), plainRoot(right)]
    : [...plainPath(index - split, right), plainRoot(left)];
}

function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}
