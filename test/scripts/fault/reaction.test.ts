import { expect, test } from "vitest";
import { missingIn } from "../../../scripts/fault/reaction.ts";
import { down, following, leading, wellSight, withNode } from "./sights.ts";

const anybody = (...sides: readonly (readonly number[])[]) => ({ sides, leader: null });

test("a cluster that serves under one leader lacks nothing", () => {
  expect(missingIn(wellSight, anybody([1, 2, 3]))).toBeNull();
});

test("a quorum without its leader has settled only under another one", () => {
  const killed = withNode(wellSight, 1, down);
  expect(missingIn(killed, anybody([2, 3]))).toBe(
    "node2 has no leader that is in reach; node3 has no leader that is in reach",
  );
  const elected = withNode(killed, 2, { status: leading(2, 2) });
  expect(missingIn(elected, anybody([2, 3]))).toBe("node3 does not follow node2 yet");
  const settled = withNode(elected, 3, { status: following(2, 2) });
  expect(missingIn(settled, anybody([2, 3]))).toBeNull();
});

test("a node that should run and does not, or does not serve, is named", () => {
  const killed = withNode(wellSight, 3, down);
  expect(missingIn(killed, anybody([1, 2, 3]))).toBe("node3 does not serve: down");
  const starting = withNode(wellSight, 2, { trouble: "the node is starting" });
  expect(missingIn(starting, anybody([1, 2, 3]))).toContain("node2 does not serve: the node is");
});

test("whoever has no quorum must stop serving, on its own side of a partition as well", () => {
  const cut = anybody([1], [2, 3]);
  const elected = withNode(withNode(wellSight, 2, { status: leading(2, 2) }), 3, {
    status: following(2, 2),
  });
  expect(missingIn(elected, cut)).toBe("node1 has not noticed yet that it has no quorum");
  const noticed = withNode(elected, 1, { trouble: "a quorum confirmed last 1200 ms ago" });
  expect(missingIn(noticed, cut)).toBeNull();
});

test("an old leader that still thinks it leads does not hide the new one", () => {
  const elected = withNode(withNode(wellSight, 2, { status: leading(2, 2) }), 3, {
    status: following(2, 2),
  });
  expect(missingIn(elected, anybody([1, 2, 3]))).toBe("node1 does not follow node2 yet");
});

test("a hand-over has come about once its successor leads", () => {
  expect(missingIn(wellSight, { sides: [[1, 2, 3]], leader: 2 })).toBe("node2 does not lead yet");
  expect(missingIn(wellSight, { sides: [[1, 2, 3]], leader: 1 })).toBeNull();
});
