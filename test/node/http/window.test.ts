import { expect, test } from "vitest";
import { createWindow, type Ending } from "../../../node/src/http/window.ts";

const limits = { callsMin: 4, callsFirst: 100, callsMax: 200, targetMs: 50, intervalMs: 10 };

function open() {
  const clock = { nowMs: 0 };
  const window = createWindow(limits, () => clock.nowMs);
  /** One call in an interval of its own, which ends with it. */
  const call = (waitMs: number, ending: Ending = "answered") => {
    const sinceMs = clock.nowMs;
    window.begin();
    clock.nowMs += Math.max(waitMs, limits.intervalMs);
    window.end(clock.nowMs - waitMs, ending);
    return sinceMs;
  };
  const fill = () => {
    while (window.hasRoom()) window.begin();
  };
  return { clock, window, call, fill };
}

test("no more calls than allowed are under way at once", () => {
  const { window, fill } = open();
  fill();
  expect(window.underWay()).toBe(limits.callsFirst);
  window.end(0, "answered");
  expect(window.hasRoom()).toBe(true);
});

test("a queue that stands narrows the window, down to its least", () => {
  const { window, call } = open();
  call(60);
  expect(window.allowed()).toBe(80);
  for (let each = 0; each < 50; each++) call(60);
  expect(window.allowed()).toBe(limits.callsMin);
});

test("one short wait in an interval shows that no queue stands", () => {
  const { clock, window } = open();
  for (const _ of [1, 2]) window.begin();
  clock.nowMs = 5;
  window.end(4, "answered");
  clock.nowMs = 200;
  window.end(0, "answered");
  expect(window.allowed()).toBe(limits.callsFirst);
});

test("waiting for a leader that was lost narrows nothing, and hides no queue", () => {
  const { clock, window, call } = open();
  call(60, "leaderless");
  expect(window.allowed()).toBe(limits.callsFirst);
  for (const _ of [1, 2]) window.begin();
  window.end(clock.nowMs, "leaderless");
  clock.nowMs += 60;
  window.end(clock.nowMs - 60, "answered");
  expect(window.allowed()).toBe(80);
});

test("being turned away by the leader narrows it too, however fast that was", () => {
  const { window, call } = open();
  call(1, "turned-away");
  expect(window.allowed()).toBe(80);
});

test("it widens again while calls are refused that would not have had to wait, and only then", () => {
  const { window, call, fill } = open();
  call(60);
  const narrowed = window.allowed();
  call(1);
  expect(window.allowed()).toBe(narrowed);
  fill();
  window.end(0, "answered");
  call(1);
  const widened = window.allowed();
  expect(widened).toBeGreaterThan(narrowed);
  for (let each = 0; each < 50; each++) {
    fill();
    window.end(0, "answered");
    call(1);
  }
  expect(window.allowed()).toBe(limits.callsMax);
});

test("an interval in which nothing was answered says nothing", () => {
  const { clock, window } = open();
  clock.nowMs = 1_000;
  expect(window.allowed()).toBe(limits.callsFirst);
  window.begin();
  window.end(999, "answered");
  expect(window.allowed()).toBe(limits.callsFirst);
});
