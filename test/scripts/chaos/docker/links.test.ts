import { expect, test } from "vitest";
import { pairsOf } from "../../../../scripts/chaos/docker/links.ts";

test("whoever is alone leaves all networks that it shares with the others", () => {
  expect(pairsOf([1], [0, 2])).toEqual([
    [1, 0],
    [1, 2],
  ]);
  expect(pairsOf([0, 2], [1])).toEqual(pairsOf([1], [0, 2]));
});

test("each pair of two sides is parted once", () => {
  const pairs = pairsOf([0, 3], [1, 2, 4]);
  expect(new Set(pairs.map(([a, b]) => `${Math.min(a, b)} ${Math.max(a, b)}`)).size).toBe(6);
  expect(pairs.map(([leaving]) => leaving)).toEqual([0, 0, 0, 3, 3, 3]);
});
