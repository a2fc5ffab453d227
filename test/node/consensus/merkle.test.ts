import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Hash, hash } from "../../../node/src/consensus/ids.ts";
import {
  emptyFrontier,
  extend,
  pathOf,
  rootOf,
  rootOfPath,
  subtreesOf,
  type TreeHash,
} from "../../../node/src/consensus/merkle.ts";

const sha256 = (...parts: readonly Uint8Array[]): Hash =>
  hash(createHash("sha256").update(Buffer.concat(parts)).digest("hex"));
const bytesOf = (text: Hash): Buffer => Buffer.from(text, "hex");
const tree: TreeHash = {
  leaf: (entryHash) => sha256(Buffer.of(0), bytesOf(entryHash)),
  node: (left, right) => sha256(Buffer.of(1), bytesOf(left), bytesOf(right)),
};

/** The definition of RFC 9162, section 2.1.1, as it is written. */
function plainRoot(entryHashes: readonly Hash[]): Hash {
  const [only] = entryHashes;
  if (entryHashes.length === 1 && only !== undefined) return tree.leaf(only);
  let split = 1;
  while (split * 2 < entryHashes.length) split *= 2;
  return tree.node(plainRoot(entryHashes.slice(0, split)), plainRoot(entryHashes.slice(split)));
}

/** The definition of RFC 9162, section 2.1.3.1. */
function plainPath(index: number, entryHashes: readonly Hash[]): readonly Hash[] {
  if (entryHashes.length === 1) return [];
  let split = 1;
  while (split * 2 < entryHashes.length) split *= 2;
  const [left, right] = [entryHashes.slice(0, split), entryHashes.slice(split)];
  return index <= split
    ? [...plainPath(index, left), plainRoot(right)]
    : [...plainPath(index - split, right), plainRoot(left)];
}

const hashesUpTo = (size: number): Hash[] =>
  Array.from({ length: size }, (_, index) => sha256(Buffer.from(`entry ${index + 1}`)));

/** By a replica whose log begins after entry `before`. */
function keptPath(place: { index: number; size: number }, before: number): readonly Hash[] {
  const entries = hashesUpTo(place.size);
  const frontier = extend(emptyFrontier, entries.slice(0, before), tree);
  const hashAt = (index: number): Hash => {
    expect(index).toBeGreaterThan(before);
    return entries[index - 1] as Hash;
  };
  return pathOf(place, subtreesOf(frontier, hashAt, tree), tree);
}

test("the frontier's root is the tree head of the definition, at every size", () => {
  const entries = hashesUpTo(130);
  let frontier = emptyFrontier;
  for (const [index, entry] of entries.entries()) {
    frontier = extend(frontier, [entry], tree);
    expect(rootOf(frontier, tree)).toBe(plainRoot(entries.slice(0, index + 1)));
  }
});

test("an empty tree has no root", () => {
  expect(rootOf(emptyFrontier, tree)).toBeNull();
});

const places = fc
  .integer({ min: 1, max: 200 })
  .chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 1, max: size })))
  .chain(([size, index]) =>
    fc.record({
      size: fc.constant(size),
      index: fc.constant(index),
      before: fc.integer({ min: 0, max: index - 1 }),
    }),
  );

test("the path of any entry kept proves the root, wherever the log begins", () => {
  fc.assert(
    fc.property(places, ({ size, index, before }) => {
      const entries = hashesUpTo(size);
      expect(keptPath({ index, size }, before)).toEqual(plainPath(index, entries));
      const entryHash = entries[index - 1] as Hash;
      const path = keptPath({ index, size }, before);
      expect(rootOfPath({ index, size, entryHash }, path, tree)).toBe(plainRoot(entries));
    }),
    { numRuns: 500 },
  );
});

test("there is no path of an entry before the log", () => {
  expect(() => keptPath({ index: 3, size: 9 }, 4)).toThrow("the log begins after entry 4");
});

test("a path proves no other entry, index or size", () => {
  fc.assert(
    fc.property(places, fc.integer({ min: 1, max: 200 }), ({ size, index, before }, other) => {
      fc.pre(other !== index && other !== size);
      const entries = hashesUpTo(size);
      const path = keptPath({ index, size }, before);
      const entryHash = entries[index - 1] as Hash;
      const root = plainRoot(entries);
      expect(rootOfPath({ index: other, size, entryHash }, path, tree)).not.toBe(root);
      const forged = sha256(Buffer.from("forged"));
      expect(rootOfPath({ index, size, entryHash: forged }, path, tree)).not.toBe(root);
      expect(rootOfPath({ index, size, entryHash }, path.slice(1), tree) === root).toBe(
        path.length === 0,
      );
    }),
  );
});
