import { expect, test } from "vitest";
import { resolveTargets, targetOf } from "../../../scripts/fault/targets.ts";
import { down, following, wellSight, withNode } from "./sights.ts";

test("words are read as targets", () => {
  const words = ["leader", "follower", "all", "2", "node3", "99"];
  expect(words.map(targetOf)).toEqual(["leader", "follower", "all", 2, 3, 99]);
});

test.for(["0", "100", "node", "leaders", "", "-1"])("%j is no target", (word) => {
  expect(() => targetOf(word)).toThrow("Expected leader, follower, all, or the number of a node");
});

test("targets are whoever plays that part now, each once", () => {
  expect(resolveTargets(["leader"], wellSight)).toEqual([1]);
  expect(resolveTargets(["follower"], wellSight)).toEqual([2]);
  expect(resolveTargets([3, "all"], wellSight)).toEqual([3, 1, 2]);
});

test("of followers, one that serves is meant before one in trouble", () => {
  const troubled = withNode(wellSight, 2, { trouble: "the leader was heard last 2000 ms ago" });
  expect(resolveTargets(["follower"], troubled)).toEqual([3]);
  const both = withNode(troubled, 3, { trouble: "no active leader is known" });
  expect(resolveTargets(["follower"], both)).toEqual([2]);
});

test("that nobody is meant is said", () => {
  const headless = withNode(wellSight, 1, down);
  expect(() => resolveTargets(["leader"], headless)).toThrow("nobody leads now");
  const lonely = withNode(withNode(wellSight, 2, down), 3, down);
  expect(() => resolveTargets(["follower"], lonely)).toThrow("nobody follows a leader now");
  expect(() => resolveTargets([4], wellSight)).toThrow(
    "node4 is unknown; expected one of node1, node2, node3",
  );
});

test("of two that claim to lead, the one of the newer term is meant", () => {
  const status = { ...following(3, 2), role: "leader" } as const;
  expect(resolveTargets(["leader"], withNode(wellSight, 3, { status }))).toEqual([3]);
});
