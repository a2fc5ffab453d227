import { expect, test } from "vitest";
import { bootCount, testimonyIn } from "../../../../scripts/chaos/docker/evidence.ts";

const line = (said: Readonly<Record<string, unknown>>) => JSON.stringify({ pid: 1, ...said });
const start = line({ version: "0.1.0", msg: "starting" });
const office = (term: number) => line({ event: "took-office", term, msg: "took-office" });
const printed = (...lines: readonly string[]) => ({ stdout: `${lines.join("\n")}\n`, stderr: "" });

test("two boots of a container, of one process id, are two boots", () => {
  const log = printed(start, office(3), office(4), start, office(4));
  expect(testimonyIn("node1", log).offices).toEqual([
    { node: "node1", boot: "boot 1", term: 3 },
    { node: "node1", boot: "boot 1", term: 4 },
    { node: "node1", boot: "boot 2", term: 4 },
  ]);
  expect(bootCount(log)).toBe(2);
});

test("an end that a boot chose is told, and a crash of any boot", () => {
  const ended = line({ exitCode: 70, why: "the logs differ", msg: "ending" });
  const stderr = "TypeError: no\n    at x.js:1\n\nNode.js v24.1.0\n";
  expect(testimonyIn("node2", { ...printed(start, ended), stderr }).endings).toEqual([
    { node: "node2", exitCode: 70, why: "the logs differ" },
    { node: "node2", exitCode: 1, why: "TypeError: no" },
  ]);
});

test("a log that does not begin with a start is refused: boots could not be told apart", () => {
  expect(() => testimonyIn("node3", printed(office(2)))).toThrow(
    "node3's log does not begin with its start",
  );
});

test("a container that never started has said nothing", () => {
  expect(testimonyIn("node1-clone", printed())).toEqual({ offices: [], endings: [] });
});
