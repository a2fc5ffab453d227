import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createApp } from "../../../node/src/http/app.ts";
import { createPerTurn } from "../../../node/src/http/perTurn.ts";
import { fixture } from "./fixture.ts";

test("no more than one piece of work is done in a turn, in the order it came", async () => {
  const perTurn = createPerTurn(8);
  const done: number[] = [];
  const all = [1, 2, 3, 4].map((piece) => perTurn(() => done.push(piece)));
  expect(done).toEqual([]);
  for (let turns = 1; turns <= 4; turns += 1) {
    await nextTurn();
    expect(done.length).toBeLessThanOrEqual(turns);
  }
  expect(await Promise.all(all)).toEqual([1, 2, 3, 4]);
  expect(done).toEqual([1, 2, 3, 4]);
});

test("a piece that fails is its own caller's loss", async () => {
  const perTurn = createPerTurn(8);
  const failing = perTurn(() => {
    throw new Error("a bug");
  });
  const fine = perTurn(() => "fine");
  await expect(failing).rejects.toThrow("a bug");
  expect(await fine).toBe("fine");
});

test("pages of the log beyond those that wait already are refused, and refused quickly", async () => {
  const parts = fixture();
  const app = createApp(parts);
  const answers = await Promise.all(Array.from({ length: 40 }, () => app.request("/log")));
  const refused = answers.filter(({ status }) => status === 503);
  expect(refused).toHaveLength(8);
  expect(await refused[0]?.json()).toMatchObject({ code: "overloaded" });
  expect(Number(refused[0]?.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect(parts.asked).toHaveLength(32);
  expect((await app.request("/log")).status).toBe(200);
});
