import { expect, test } from "vitest";
import { createLinkFaults, type LinkFaults } from "../../../scripts/fault/levers/linkFaults.ts";

const textsOn = (faults: LinkFaults, number: number) =>
  faults.marksOn(number).map(({ text }) => text);
const open = { cut: false, delayMs: 0, loss: 0 };
const cut = { ...open, cut: true };

test("a partition cuts both ways, and only between its sides", () => {
  const faults = createLinkFaults();
  faults.partition([1, 2], false);
  expect([faults.between(1, 3), faults.between(3, 1)]).toEqual([cut, cut]);
  expect([faults.between(1, 2), faults.between(3, 4)]).toEqual([open, open]);
  expect(textsOn(faults, 1)).toEqual(["cut off"]);
  expect(textsOn(faults, 3)).toEqual([]);
});

test("a one-way partition lets the others be heard", () => {
  const faults = createLinkFaults();
  faults.partition([1], true);
  expect([faults.between(1, 3), faults.between(3, 1)]).toEqual([cut, open]);
  expect(textsOn(faults, 1)).toEqual(["not heard"]);
});

test("a link is as bad as the worse of its ends, whatever else is wrong with it", () => {
  const faults = createLinkFaults();
  faults.slow([1], 200);
  faults.slow([2], 300);
  faults.lossy([2], 0.05);
  faults.partition([3], false);
  expect(faults.between(1, 2)).toEqual({ cut: false, delayMs: 300, loss: 0.05 });
  expect(faults.between(3, 1)).toEqual({ cut: true, delayMs: 200, loss: 0 });
  expect(textsOn(faults, 2)).toEqual(["links 300 ms slower", "links lose 5 %"]);
  faults.mend();
  expect(faults.between(1, 2)).toEqual(open);
  expect(textsOn(faults, 2)).toEqual([]);
});
