import fc from "fast-check";
import { expect, test } from "vitest";
import type { Hash } from "../../../node/src/consensus/ids.ts";
import {
  emptyFrontier,
  extend,
  pathOf,
  rootOf,
  rootOfPath,
  subtreesOf,
} from "../../../node/src/consensus/merkle.ts";
import { plainPath, plainRoot, sha256, plainTree as tree } from "../../support/plainTree.ts";

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
