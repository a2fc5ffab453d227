import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { oncePerTurn } from "../../../node/src/runtime/oncePerTurn.ts";

test("calls of one turn share one piece of work, which begins after all of them", async () => {
  const happened: string[] = [];
  const call = oncePerTurn(async () => happened.push("work"));
  const calls = ["one", "two", "three"].map((name) => {
    happened.push(name);
    return call();
  });
  expect(await Promise.all(calls)).toEqual([4, 4, 4]);
  expect(happened).toEqual(["one", "two", "three", "work"]);
});

test("a call that comes once the work has begun does not share it", async () => {
  const begun: PromiseWithResolvers<number>[] = [];
  const call = oncePerTurn(() => {
    const work = Promise.withResolvers<number>();
    begun.push(work);
    return work.promise;
  });
  const first = call();
  await nextTurn();
  expect(begun).toHaveLength(1);
  const second = call();
  begun[0]?.resolve(1);
  expect(await first).toBe(1);
  await nextTurn();
  expect(begun).toHaveLength(2);
  begun[1]?.resolve(2);
  expect(await second).toBe(2);
});

test("all who share it learn of its failure, thrown or rejected, and the next call tries again", async () => {
  let fails: "by a throw" | "by a rejection" | "not" = "by a throw";
  const call = oncePerTurn((): Promise<string> => {
    if (fails === "by a throw") throw new Error(fails);
    return fails === "not" ? Promise.resolve("done") : Promise.reject(new Error(fails));
  });
  for (const how of ["by a throw", "by a rejection"] as const) {
    fails = how;
    const outcomes = await Promise.allSettled([call(), call()]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  }
  fails = "not";
  expect(await call()).toBe("done");
});
