import { expect, test } from "vitest";
import {
  afterPartition,
  afterReturn,
  allThatRun,
  whateverBecomesOf,
  withoutThese,
} from "../../../scripts/fault/expectation.ts";
import { missingIn } from "../../../scripts/fault/reaction.ts";
import { agentlessMark, cutOffMark } from "../../../scripts/fault/sight.ts";
import { down, following, wellSight, withNode } from "./sights.ts";

const paused = { ...down, process: "paused", trouble: "paused" } as const;
const lonely = withNode(withNode(wellSight, 1, down), 2, down);

test("one that is started again is expected back among those that run on", () => {
  const killed = withNode(wellSight, 1, down);
  expect(afterReturn("restart", [1], killed)).toMatchObject({
    sides: [[2, 3, 1]],
    leader: null,
    note: null,
  });
  expect(afterReturn("wipe", [3], wellSight).sides).toEqual([[1, 2, 3]]);
});

test("no service is expected where too few have run on, and who is missing is named", () => {
  const { sides, note } = afterReturn("restart", [1], lonely);
  expect(sides).toEqual([[1], [3]]);
  expect(note).toContain("a cold start needs every member: node2 is down");
  expect(
    missingIn(
      withNode(lonely, 1, { process: "runs", status: following(3, 1), trouble: "recovering" }),
      {
        sides,
        doubtful: [],
        leader: null,
      },
    ),
  ).toBe("node3 has not noticed yet that it has no quorum");
});

test("once every member runs, service is expected again", () => {
  expect(afterReturn("restart", [1, 2], lonely)).toMatchObject({ sides: [[3, 1, 2]], note: null });
});

test("a member that only stood still has not lost what it knew", () => {
  const still = withNode(withNode(wellSight, 1, paused), 2, paused);
  expect(afterReturn("resume", [1], still)).toMatchObject({ sides: [[3, 1]], note: null });
  expect(afterReturn("restart", [1], still).note).toContain("node2 is paused");
});

test("too few to be a quorum are expected to refuse, without more ado", () => {
  const all = withNode(lonely, 3, down);
  expect(afterReturn("restart", [1], all)).toMatchObject({ sides: [[1]], note: null });
});

test("who is cut off one way has no side: it may follow or not", () => {
  expect(afterPartition([1], wellSight, false).sides).toEqual([[1], [2, 3]]);
  expect(afterPartition([1], wellSight, true).sides).toEqual([[2, 3]]);
});

test("of those struck nothing is expected, nor of those in trouble before", () => {
  const troubled = withNode(wellSight, 3, { trouble: "the leader was heard last 2000 ms ago" });
  expect(withoutThese([1], troubled)).toMatchObject({ sides: [[2]], doubtful: [] });
  expect(whateverBecomesOf([1], troubled)).toMatchObject({ sides: [[2]], doubtful: [1] });
});

test("while the chain is away nobody is elected: who loses the leader is expected to refuse", () => {
  const chainless = { ...wellSight, head: null };
  expect(withoutThese([1], chainless).sides).toEqual([[2], [3]]);
  expect(withoutThese([1], chainless).note).toContain("the chain is away");
  expect(withoutThese([2], chainless)).toMatchObject({ sides: [[1, 3]], note: null });
  expect(afterPartition([1], chainless, false).sides).toEqual([[1], [2], [3]]);
  expect(afterPartition([2], chainless, false)).toMatchObject({
    sides: [[2], [1, 3]],
    note: expect.stringContaining("the chain is away"),
  });
});

test("who is hampered, and does not serve or is started again, is expected to do nothing", () => {
  const marks = [cutOffMark];
  const cut = withNode(wellSight, 2, { trouble: "no active leader is known", marks });
  expect(allThatRun(cut).sides).toEqual([[1, 3]]);
  expect(afterReturn("restart", [1], cut)).toMatchObject({
    sides: [[1], [3]],
    note: expect.stringContaining("needs every member: node2 (cut off)"),
  });
  const stillWell = withNode(wellSight, 2, { marks: [agentlessMark] });
  expect(allThatRun(stillWell).sides).toEqual([[1, 2, 3]]);
  expect(afterReturn("restart", [2], stillWell).sides).toEqual([[1, 3]]);
  const slowed = withNode(wellSight, 2, { marks: [{ text: "clock +1h", hampers: false }] });
  expect(afterReturn("restart", [2], slowed).sides).toEqual([[1, 3, 2]]);
});
