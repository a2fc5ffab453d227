import { expect, test } from "vitest";
import { rejection } from "../../../node/src/transport/rejection.ts";
import { createRejections } from "../../../node/src/transport/rejections.ts";
import { type Line, recordingLog } from "./support.ts";

function arrange() {
  const lines: Line[] = [];
  let nowMs = 0;
  let counted = 0;
  const count = () => {
    counted += 1;
  };
  const rejections = createRejections(recordingLog(lines), count, () => nowMs);
  return {
    lines,
    rejections,
    counted: () => counted,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

test("repetitions are logged ever more rarely, and say how many were left out", () => {
  const { lines, rejections, counted, pass } = arrange();
  for (let second = 0; second < 60; second += 1) {
    rejections.reject("10.0.0.1", rejection("garbage", "as arranged"));
    pass(1_000);
  }
  expect(counted()).toBe(60);
  expect(lines.map(({ fields }) => (fields as { suppressed: number }).suppressed)).toEqual([
    0, 0, 1, 3, 7, 15,
  ]);
});

test("other reasons and other addresses are logged on their own", () => {
  const { lines, rejections } = arrange();
  rejections.reject("10.0.0.1", rejection("garbage", "as arranged"));
  rejections.reject("10.0.0.1", rejection("replay", "as arranged"));
  rejections.reject("10.0.0.2", rejection("garbage", "as arranged"));
  rejections.reject("10.0.0.2", rejection("garbage", "as arranged"));
  expect(lines).toHaveLength(3);
});

test("what was wrong with a proof is logged for each thing that was", () => {
  const { lines, rejections } = arrange();
  for (const check of ["compose hash", "debug attribute", "compose hash"]) {
    const fault = { code: "quote.rejected", check };
    rejections.reject("10.0.0.1", { ...rejection("proof", "as arranged"), fault });
  }
  expect(lines.map(({ fields }) => (fields as { fault: { check: string } }).fault.check)).toEqual([
    "compose hash",
    "debug attribute",
  ]);
});

test("addresses without number fill neither memory nor log", () => {
  const { lines, rejections, counted, pass } = arrange();
  for (let at = 0; at < 10_000; at += 1) {
    rejections.reject(`10.0.${at >> 8}.${at & 255}`, rejection("garbage", "as arranged"));
  }
  expect(counted()).toBe(10_000);
  expect(lines).toHaveLength(256);

  // Those kinds are forgotten in time, and new ones are told again.
  pass(1_000);
  rejections.reject("192.0.2.1", rejection("garbage", "as arranged"));
  expect(lines).toHaveLength(257);
});

test("who calms down for long is logged anew at once and as at first", () => {
  const { lines, rejections, pass } = arrange();
  const fail = () => rejections.failed("dialling a peer", "bob:1", "refused");
  for (let second = 0; second < 10; second += 1) {
    fail();
    pass(1_000);
  }
  const before = lines.length;
  pass(1_000_000);
  fail();
  pass(1_000);
  fail();
  expect(lines).toHaveLength(before + 2);
});
