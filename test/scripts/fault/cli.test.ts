import { expect, onTestFinished, test, vi } from "vitest";
import type { Action, LeverAct, Target } from "../../../scripts/fault/action.ts";
import { parseFaultOptions } from "../../../scripts/fault/cli.ts";

const actionOf = (line: string) => parseFaultOptions(line.split(" ")).action;

function lever(act: LeverAct, ...targets: readonly Target[]): Action {
  return { kind: "lever", act, targets };
}

test.for([
  ["kill leader", { kind: "nodes", act: "kill", targets: ["leader"] }],
  ["pause 1 node2", { kind: "nodes", act: "pause", targets: [1, 2] }],
  ["resume", { kind: "nodes", act: "resume", targets: [] }],
  ["resume 2", { kind: "nodes", act: "resume", targets: [2] }],
  ["rollback 3", { kind: "nodes", act: "rollback", targets: [3] }],
  ["clone leader", { kind: "nodes", act: "clone", targets: ["leader"] }],
  ["partition 1 2", lever({ kind: "partition", oneWay: false }, 1, 2)],
  ["partition leader --one-way", lever({ kind: "partition", oneWay: true }, "leader")],
  ["slow 1 200", lever({ kind: "slow", delayMs: 200 }, 1)],
  ["lossy all 5", lever({ kind: "lossy", lossPercent: 5 }, "all")],
  ["clock 2 +1h", lever({ kind: "clock", offMs: 3_600_000 }, 2)],
  ["clock leader -30m", lever({ kind: "clock", offMs: -1_800_000 }, "leader")],
  ["clock 2 0", lever({ kind: "clock", offMs: 0 }, 2)],
  ["lies 2", lever({ kind: "rpc", behaviour: "lies-term" }, 2)],
  ["lies 2 roster", lever({ kind: "rpc", behaviour: "lies-roster" }, 2)],
  ["rpc 2 hangs", lever({ kind: "rpc", behaviour: "hangs" }, 2)],
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

test("a cluster is the one of a data directory, or a compose project's", () => {
  const { dataDirIsDefault, project } = parseFaultOptions(["heal"]);
  expect({ dataDirIsDefault, project }).toEqual({ dataDirIsDefault: true, project: null });
  expect(parseFaultOptions(["heal", "--data-dir", ".cluster"]).dataDirIsDefault).toBe(false);
  expect(parseFaultOptions(["--compose", "p", "kill", "1"]).project).toBe("p");
});

test.for([
  ["kill", "missing required argument 'targets'"],
  ["kill five", "Expected leader, follower, all, or the number of a node"],
  ["explode 1", "unknown command 'explode'"],
  ["handover all", "Expected one node"],
  ["clock 2 later", "Expected a length of time such as +1h"],
  ["clock 2 -30x", "Expected a length of time such as +1h"],
  ["clock 2", "missing required argument 'offset'"],
  ["lies 2 everything", "Allowed choices are term, leader, roster"],
  ["slow 1 -5", "Expected a whole number from 0 to 60000"],
  ["lossy 1 101", "Expected a whole number from 0 to 100"],
  ["chain delay soon", "Expected a whole number from 0 to 3600"],
  ["chain reorg 0", "Expected a whole number from 1 to 200"],
  ["chain", "Usage: npm run fault -- chain"],
  ["heal 1", "too many arguments"],
  ["heal --compose p --data-dir d", "cannot be used with option"],
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
