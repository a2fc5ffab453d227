import { expect, onTestFinished, test, vi } from "vitest";
import { parseFaultOptions } from "../../../scripts/fault/cli.ts";

const actionOf = (line: string) => parseFaultOptions(line.split(" ")).action;

test.for([
  ["kill leader", { kind: "nodes", act: "kill", targets: ["leader"] }],
  ["pause 1 node2", { kind: "nodes", act: "pause", targets: [1, 2] }],
  ["resume", { kind: "nodes", act: "resume", targets: [] }],
  ["resume 2", { kind: "nodes", act: "resume", targets: [2] }],
  ["rollback 3", { kind: "nodes", act: "rollback", targets: [3] }],
  ["partition follower", { kind: "nodes", act: "partition", targets: ["follower"] }],
  ["handover 2", { kind: "handover", to: 2 }],
  ["chain stop", { kind: "chain", act: "stop" }],
  ["chain delay 12", { kind: "block-time", seconds: 12 }],
  ["chain delay 0", { kind: "block-time", seconds: null }],
  ["chain reorg 3", { kind: "take-back", how: "reorg", blocks: 3 }],
  ["chain rollback 1", { kind: "take-back", how: "rollback", blocks: 1 }],
  ["agent stop", { kind: "stop-agents", targets: [] }],
  ["agent stop 1", { kind: "stop-agents", targets: [1] }],
  ["agent start", { kind: "start-agents" }],
  ["heal", { kind: "heal" }],
  ["status", { kind: "status" }],
] as const)("%s", ([line, action]) => {
  expect(actionOf(line)).toEqual(action);
});

test("options stand before or after the command", () => {
  const defaults = { dataDir: ".cluster", wait: true, timeout: 60 };
  expect(parseFaultOptions(["heal"])).toMatchObject(defaults);
  const chosen = { dataDir: "elsewhere", wait: false, timeout: 5 };
  const options = ["--data-dir", "elsewhere", "--no-wait", "--timeout", "5"];
  expect(parseFaultOptions([...options, "kill", "1"])).toMatchObject(chosen);
  expect(parseFaultOptions(["kill", "1", ...options])).toMatchObject(chosen);
});

test.for([
  ["kill", "missing required argument 'targets'"],
  ["kill five", "Expected leader, follower, all, or the number of a node"],
  ["explode 1", "unknown command 'explode'"],
  ["handover all", "Expected one node"],
  ["chain delay soon", "Expected a whole number from 0 to 3600"],
  ["chain reorg 0", "Expected a whole number from 1 to 200"],
  ["chain", "Usage: npm run fault -- chain"],
  ["heal 1", "too many arguments"],
  ["kill 1 --timeout 0", "Expected a whole number from 1"],
] as const)("%s is refused: %s", ([line, expected]) => {
  const said: string[] = [];
  const stderr = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said.push(String(text));
    return true;
  });
  onTestFinished(() => stderr.mockRestore());
  expect(() => actionOf(line)).toThrow();
  expect(said.join("")).toContain(expected);
});
