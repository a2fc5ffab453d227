import { expect, test } from "vitest";
import { readDuration, signedDuration } from "../../../scripts/fault/duration.ts";

test.for([
  ["+1h", 3_600_000, "+1h"],
  ["-30m", -1_800_000, "-30m"],
  ["90s", 90_000, "+90s"],
  ["120m", 7_200_000, "+2h"],
  ["-2d", -172_800_000, "-2d"],
] as const)("%s is %i ms, and is shown as %s", ([text, ms, shown]) => {
  expect(readDuration(text)).toBe(ms);
  expect(signedDuration(ms)).toBe(shown);
});

test("0 is a clock that is right", () => {
  expect(readDuration("0")).toBe(0);
});

test.for(["", "h", "1", "+1w", "1000h", "--1h", "1.5h", "+ 1h"])("%j is refused", (text) => {
  expect(() => readDuration(text)).toThrow("Expected a length of time such as +1h");
});
