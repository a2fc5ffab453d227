import { expect, test } from "vitest";
import { term } from "../../../node/src/consensus/ids.ts";
import { createPassedOn } from "../../../node/src/runtime/passedOn.ts";
import { bootOf } from "../consensus/support.ts";

const [a, b] = [bootOf(0).bootKey, bootOf(1).bootKey];
const byA = { bootKey: a, term: term(2), isSelf: false };
const byB = { bootKey: b, term: term(2), isSelf: false };

function open() {
  const clock = { nowMs: 0 };
  const passedOn = createPassedOn(() => clock.nowMs);
  const answer = Promise.withResolvers<string>();
  const call = passedOn.until(a, answer.promise).catch((error) => error.fault?.code ?? "failed");
  return { clock, passedOn, answer, call };
}

test("a call that was passed on is answered as its leader answers", async () => {
  const answered = open();
  answered.answer.resolve("done");
  expect(await answered.call).toBe("done");
  const failed = open();
  failed.answer.reject(new Error("the channel broke"));
  expect(await failed.call).toBe("failed");
});

test.each([
  ["another boot", byB],
  ["this boot itself", { ...byB, isSelf: true }],
])("once %s leads, a call that waits for the one before ends", async (_, serving) => {
  const { clock, passedOn, call } = open();
  clock.nowMs = 500;
  passedOn.sweep(serving);
  expect(await call).toBe("leader.lost");
});

test.each([
  ["no other leader is known", 5_000, null],
  ["its leader goes on", 5_000, byA],
  ["the leader may just be handing over", 499, byB],
])("a call waits while %s", async (_, waitedMs, serving) => {
  const { clock, passedOn, answer, call } = open();
  clock.nowMs = waitedMs;
  passedOn.sweep(serving);
  answer.resolve("done");
  expect(await call).toBe("done");
});
