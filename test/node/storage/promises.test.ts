import { join } from "node:path";
import { expect, test } from "vitest";
import { damagedIn, flipBit, openNoting, promised, temporaryDirectory } from "./sample.ts";

test("a damaged promise slot leaves the promise before it; two leave none", async () => {
  const directory = temporaryDirectory();
  const { journal } = await openNoting(directory);
  for (const value of [1, 2, 3]) {
    await journal.write([{ kind: "promise", promised: promised(value) }]);
  }
  await journal.close();
  flipBit(join(directory, "promises"), 40);

  const one = await openNoting(directory);
  expect(one.journal.recovered.promised).toEqual(promised(2));
  expect(one.counted).toEqual(["journal_damaged_total"]);
  expect(one.lines).toMatchObject([
    { level: "error", fields: { file: join(directory, "promises") } },
  ]);
  expect(damagedIn(directory)).toEqual(["promises.damaged"]);
  await one.journal.close();
  flipBit(join(directory, "promises"), 4096 + 40);

  const none = await openNoting(directory);
  expect(none.journal.recovered.promised).toBeNull();
  await none.journal.write([{ kind: "promise", promised: promised(4) }]);
  await none.journal.close();
  expect((await openNoting(directory)).journal.recovered.promised).toEqual(promised(4));
});
