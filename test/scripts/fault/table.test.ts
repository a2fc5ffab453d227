import { expect, test } from "vitest";
import { agentlessMark } from "../../../scripts/fault/sight.ts";
import { tableOf } from "../../../scripts/fault/table.ts";
import { down, leading, wellSight, withNode } from "./sights.ts";

test("each node is shown before and after", () => {
  const after = withNode(withNode(wellSight, 1, down), 2, { status: leading(2, 2) });
  expect(tableOf(wellSight, { ...after, head: null })).toBe(
    [
      "                 process  role      term  leader  commit  health",
      "  node1  before  runs     leader    1     node1   10      serves",
      "         after   down     -         -     -       -       -",
      "  node2  before  runs     follower  1     node1   10      serves",
      "         after   runs     leader    2     node2   20      serves",
      "  node3  before  runs     follower  1     node1   10      serves",
      "         after   runs     follower  1     node1   10      serves",
      "",
      "  chain  before  block 7",
      "         after   does not answer",
    ].join("\n"),
  );
});

test("a node in trouble says why, in bounds, and what is done to it", () => {
  const troubled = withNode(wellSight, 2, {
    trouble: "x".repeat(300),
    marks: [agentlessMark, { text: "clock +1h", hampers: false }],
  });
  expect(tableOf(troubled, null)).toContain(
    `10      ${"x".repeat(69)}… (no guest agent, clock +1h)\n`,
  );
});

test("a node that has left meanwhile is shown as such", () => {
  const after = { ...wellSight, nodes: wellSight.nodes.slice(0, 2) };
  expect(tableOf(wellSight, after)).toMatch(/node3 +before +runs .*\n +after +has left\n/);
});
