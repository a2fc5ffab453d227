import { expect, test } from "vitest";
import { emptyFrontier, pathOf, subtreesOf } from "../../../node/src/consensus/merkle.ts";
import { createSubtreeMemory } from "../../../node/src/runtime/subtrees.ts";
import { sha256Tree } from "../../../node/src/storage/digest.ts";
import { hashesOf, logOf } from "../../support/vouched.ts";

const size = 1_000;
const hashes = hashesOf(logOf(size));

function askAll(memory: ReturnType<typeof createSubtreeMemory>): void {
  const hashAt = (index: number) => hashes[index - 1] ?? expect.unreachable();
  const subtreeAt = subtreesOf(emptyFrontier, hashAt, sha256Tree, memory.remember);
  for (let index = 1; index <= size; index += 1) pathOf({ index, size }, subtreeAt, sha256Tree);
}

test("it holds at most one subtree for every sixteen entries", () => {
  const memory = createSubtreeMemory();
  askAll(memory);
  expect(memory.size()).toBeGreaterThan(size / 32);
  expect(memory.size()).toBeLessThanOrEqual(size / 16);
});

test("it forgets what begins before the log, and does not take it up again", () => {
  const memory = createSubtreeMemory();
  askAll(memory);
  memory.forget(size - 100);
  expect(memory.size()).toBeLessThanOrEqual(100 / 16);
  askAll(memory);
  expect(memory.size()).toBeLessThanOrEqual(100 / 16);
});
