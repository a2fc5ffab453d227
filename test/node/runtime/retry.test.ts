import { expect, test } from "vitest";
import { retry } from "../../../node/src/runtime/retry.ts";

function failing(times: number) {
  let attempts = 0;
  return async () => {
    attempts += 1;
    if (attempts <= times) throw new Error(`attempt ${attempts}`);
    return attempts;
  };
}

test("what fails is tried again until it succeeds, and every failure is told", async () => {
  const failures: string[] = [];
  const onFailure = (error: unknown) => failures.push(String(error));
  const result = await retry(failing(3), { onFailure, firstPauseMs: 1 });

  expect(result).toBe(4);
  expect(failures).toEqual(["Error: attempt 1", "Error: attempt 2", "Error: attempt 3"]);
});

test("whoever is told of a failure may give up", async () => {
  const onFailure = (error: unknown) => {
    throw error;
  };
  await expect(retry(failing(1), { onFailure })).rejects.toThrow("attempt 1");
});

test("an aborted wait ends with the signal's own reason, however long the pause", async () => {
  const stop = new AbortController();
  const onFailure = () => queueMicrotask(() => stop.abort(new Error("the node is stopping")));
  const waiting = retry(failing(9), { onFailure, firstPauseMs: 3_600_000, signal: stop.signal });
  await expect(waiting).rejects.toThrow("the node is stopping");
});
