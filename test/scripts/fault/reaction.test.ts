import { expect, test } from "vitest";
import { missingIn } from "../../../scripts/fault/reaction.ts";
import { down, following, leading, wellSight, withNode } from "./sights.ts";

const anybody = (...sides: readonly (readonly number[])[]) => ({
  sides,
  doubtful: [],
  leader: null,
});

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

test("one that is just starting has not refused yet", () => {
  const starting = withNode(wellSight, 1, { status: null, trouble: "does not answer (refused)" });
  expect(missingIn(starting, anybody([1], [2, 3]))).toContain("node1: does not answer (refused)");
  const status = { ...following(1, 0), role: "unregistered" } as const;
  const unheard = withNode(wellSight, 1, { status, trouble: "it waits for the chain" });
  expect(missingIn(unheard, anybody([1], [2, 3]))).toContain("node1: it waits for the chain");
});

test("an old leader that still thinks it leads does not hide the new one", () => {
  const elected = withNode(withNode(wellSight, 2, { status: leading(2, 2) }), 3, {
    status: following(2, 2),
  });
  expect(missingIn(elected, anybody([1, 2, 3]))).toBe("node1 does not follow node2 yet");
});

test("a hand-over has come about once its successor leads", () => {
  expect(missingIn(wellSight, { ...anybody([1, 2, 3]), leader: 2 })).toBe(
    "node2 does not lead yet",
  );
  expect(missingIn(wellSight, { ...anybody([1, 2, 3]), leader: 1 })).toBeNull();
});

test("the others may follow one of whom nothing is expected, or another", () => {
  const doubtful = { ...anybody([2, 3]), doubtful: [1] };
  expect(missingIn(wellSight, doubtful)).toBeNull();
  const troubled = withNode(wellSight, 1, { trouble: "no active leader is known" });
  expect(missingIn(troubled, doubtful)).toBeNull();
  expect(missingIn(withNode(wellSight, 1, down), doubtful)).toContain("node2 has no leader");
});
