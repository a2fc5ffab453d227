import { expect, test } from "vitest";
import { drawTimeline } from "../../../../scripts/chaos/report/svg.ts";
import {
  availability,
  longestGap,
  perSecond,
  recoveriesOf,
  spreadOf,
} from "../../../../scripts/chaos/report/tally.ts";
import { timelineOf } from "../../../../scripts/chaos/report/terminal.ts";
import { increment, read, strike } from "../judge/history.ts";

const second = 1_000;
const operations = [
  increment(1, [100, 200], { value: 1, index: 3 }),
  read(50, [300, 400], { value: 1, index: 3 }),
  increment(2, [1_100, 1_900], { outcome: "unknown", error: "client.timeout" }),
  increment(3, [2_400, 2_500], { value: 6, index: 5, node: 1 }),
  increment(4, [2_600, 2_700], { value: 10, index: 6, node: 0 }),
];
const killed = strike({
  startedNs: 1e9,
  healNs: 2.55e9,
  healedNs: 2.6e9,
  wellNs: 2.9e9,
  affected: [0],
});

test("each second has what ended in it", () => {
  expect(perSecond(operations, 3 * second * 1e6)).toEqual([
    { writes: 1, reads: 1, failed: 0, unknown: 0 },
    { writes: 0, reads: 0, failed: 0, unknown: 1 },
    { writes: 2, reads: 0, failed: 0, unknown: 0 },
  ]);
  expect(availability(perSecond(operations, 3e9))).toEqual({ served: 2, of: 3 });
});

test("a recovery is from the fault to the next write that was sent after it, elsewhere", () => {
  expect(recoveriesOf(operations, [killed])).toEqual([
    { name: "kill", fromStartMs: 1_500, fromHealMs: 150, silentMs: 1_500, wellMs: 300 },
  ]);
});

test("a write that was sent before the fault shows no recovery", () => {
  const early = increment(9, [900, 1_050], { value: 1, index: 3, node: 1 });
  const [recovery] = recoveriesOf([early], [killed]);
  expect(recovery).toMatchObject({ fromStartMs: null, fromHealMs: null });
});

test("a fault that did not strike has no recovery", () => {
  expect(recoveriesOf(operations, [{ ...killed, skipped: "it needs root" }])).toEqual([]);
});

test("spreads and gaps", () => {
  expect(spreadOf([3, null, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
  expect(spreadOf([1, 4])).toEqual({ min: 1, median: 2.5, max: 4 });
  expect(spreadOf([null])).toBeNull();
  expect(longestGap([0, 3, 4])).toBe(3);
});

const samples = [
  { atNs: 0, node: 0, role: "leader", term: 1, commitIndex: 1 },
  { atNs: 0, node: 1, role: "follower", term: 1, commitIndex: 1 },
  { atNs: 1.1e9, node: 0, role: null, term: 0, commitIndex: 0 },
  { atNs: 2.1e9, node: 1, role: "leader", term: 2, commitIndex: 1 },
];

test("the timeline shows throughput, leaders and faults, a character a second", () => {
  const seconds = perSecond(operations, 3e9);
  expect(timelineOf({ seconds, strikes: [killed], samples }, 80).split("\n")).toEqual([
    "writes/s  ▄ █  ≤ 2",
    "reads/s   █    ≤ 1",
    "errors/s   █   ≤ 1",
    "leader    1·2",
    "faults     1━",
    "",
    "          0 s",
  ]);
});

test("a long run is drawn within the width of the terminal", () => {
  const seconds = perSecond(operations, 3_600e9);
  const lines = timelineOf({ seconds, strikes: [killed], samples }, 80).split("\n");
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
});

test("the drawing names every fault and node, with texts escaped", () => {
  const seconds = perSecond(operations, 3e9);
  const nodes = ["node1", "node2"];
  const svg = drawTimeline({ title: "a < b", nodes, seconds, strikes: [killed], samples });
  expect(svg).toContain("a &lt; b");
  expect(svg).toContain("1. kill, leader (node1)");
  expect(svg).toContain(">node2<");
  expect(svg.match(/<rect/g)?.length).toBe(svg.match(/<rect[^>]*(?:\/>|>.*?<\/rect>)/g)?.length);
});
