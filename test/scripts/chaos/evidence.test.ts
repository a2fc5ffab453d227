import { expect, test } from "vitest";
import { testimonyOf } from "../../../scripts/chaos/local/evidence.ts";

const line = (said: object) => JSON.stringify({ level: "info", ...said });

test("a node's log tells each office it took, by boot, and how it ended", () => {
  const text = [
    line({ pid: 11, msg: "starting" }),
    line({ pid: 11, event: "took-office", term: 3 }),
    line({ pid: 12, event: "took-office", term: 5 }),
    line({ pid: 12, exitCode: 70, why: "two logs differ", msg: "ending" }),
  ].join("\n");
  expect(testimonyOf("node1", text)).toEqual({
    offices: [
      { node: "node1", boot: "11", term: 3 },
      { node: "node1", boot: "12", term: 5 },
    ],
    endings: [{ node: "node1", exitCode: 70, why: "two logs differ" }],
  });
});

test("a crash that nobody caught is told in Node's own words", () => {
  const text = [
    line({ pid: 11, msg: "starting" }),
    "file:///app/node/src/main.ts:1",
    "TypeError: x is not a function",
    "    at main (main.ts:1:1)",
    "",
    "Node.js v24.21.0",
  ].join("\n");
  expect(testimonyOf("node1", text).endings).toEqual([
    { node: "node1", exitCode: 1, why: "TypeError: x is not a function" },
  ]);
});

test("a line that was cut short by kill -9 tells nothing", () => {
  expect(testimonyOf("node1", '{"event":"took-office","te')).toEqual({ offices: [], endings: [] });
});
