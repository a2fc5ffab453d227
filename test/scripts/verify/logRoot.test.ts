import { expect, test } from "vitest";
import { createCheckpointSigner } from "../../../node/src/chain/vouchers.ts";
import type { Anchor } from "../../../node/src/consensus/checkpoint.ts";
import { hash, term } from "../../../node/src/consensus/ids.ts";
import { compareLogs, type Word, wordsOf } from "../../../scripts/verify/logRoot.ts";
import { addressIn, cluster, recoverVoucher, walletIn } from "../../support/vouched.ts";

type Said = { readonly root?: string; readonly state?: string; readonly coldTerm?: number };

/** What the member in `slot` signed at `index`. */
function word(slot: number, index: number, { root, state = "55", coldTerm = 0 }: Said = {}): Word {
  const logRoot = hash((root ?? index.toString(16).padStart(2, "0")).repeat(32));
  const checkpoint = {
    coldTerm: term(coldTerm),
    index,
    logRoot,
    stateHash: hash(state.repeat(32)),
  };
  return { wallet: addressIn(slot), checkpoint, signature: `0x${slot}${index}` };
}

function anchorAt(index: number, root?: string): Anchor {
  const { coldTerm, logRoot } = word(0, index, root === undefined ? {} : { root }).checkpoint;
  return { coldTerm, index, logRoot };
}

function compare(
  words: readonly Word[],
  { slots = [0, 1, 2], rosterSize = 3, anchor = null as Anchor | null } = {},
) {
  const comparison = compareLogs({ members: slots.map(addressIn), rosterSize }, words, anchor);
  const findingsOf = (slot: number) => comparison.findings.get(addressIn(slot)) ?? [];
  const resultsOf = (slot: number) =>
    findingsOf(slot).map(({ check, result }) => `${check}: ${result}`);
  return { ...comparison, findingsOf, resultsOf };
}

const same = ["log root: ok"];
const other = ["log root: failed"];

test("members that signed the same at their greatest common index hold one log", () => {
  const words = [0, 1, 2].flatMap((slot) => [word(slot, 5), word(slot, 9)]);
  const { common, forks, laggards, resultsOf, findingsOf } = compare([...words, word(1, 12)]);
  expect(common).toMatchObject({ index: 9 });
  expect(forks).toEqual([]);
  expect([0, 1, 2].map(resultsOf)).toEqual([same, same, same]);
  expect(findingsOf(0)[0]?.actual).toMatch(/^root (09){32} at index 9, as all 3 that answered/);
  expect(laggards).toEqual([addressIn(0), addressIn(2)]);
});

test("two roots at one index fail those whom no quorum confirms, and show both signatures", () => {
  const words = [word(0, 9), word(1, 9), word(2, 9, { root: "ff" })];
  const { forks, common, resultsOf, findingsOf } = compare(words);
  expect(common).toBeNull();
  expect([0, 1, 2].map(resultsOf)).toEqual([same, same, other]);
  expect(findingsOf(2)[0]).toMatchObject({
    expected: expect.stringMatching(
      `^at index 9, cold term 0: root (09){32}.* by ${addressIn(0)}$`,
    ),
    actual: expect.stringMatching(`^root (ff){32}, .* signed by ${addressIn(2)}$`),
  });
  expect(forks).toEqual([{ coldTerm: 0, index: 9, words }]);
});

test("where no quorum says the same, nobody is right", () => {
  const { resultsOf } = compare([word(0, 9), word(2, 9, { root: "ff" })], { slots: [0, 2] });
  expect([0, 2].map(resultsOf)).toEqual([other, other]);
});

test("a fork counts at whatever index it is, though a greater one is common to all", () => {
  const words = [0, 1, 2].map((slot) => word(slot, 9));
  const { forks, common, resultsOf } = compare([
    ...words,
    word(0, 5),
    word(1, 5),
    word(2, 5, { root: "ff" }),
  ]);
  expect(common).toMatchObject({ index: 9 });
  expect(forks).toHaveLength(1);
  expect([0, 1, 2].map(resultsOf)).toEqual([same, same, other]);
});

test("a member that signed two roots itself convicts itself, whoever confirms one of them", () => {
  const words = [0, 1, 2].map((slot) => word(slot, 9));
  const { forks, resultsOf } = compare([...words, word(1, 9, { root: "ff" })]);
  expect(forks).toHaveLength(1);
  expect([0, 1, 2].map(resultsOf)).toEqual([same, other, same]);
});

test("equal roots over different states are a fork as well", () => {
  const words = [word(0, 9), word(1, 9), word(2, 9, { state: "66" })];
  expect(compare(words).forks).toHaveLength(1);
});

test("other roots at that index before a cold start are none", () => {
  const after = { coldTerm: 4, root: "ff" };
  const words = [word(0, 9), ...[0, 1, 2].map((slot) => word(slot, 9, after))];
  const { forks, common, laggards } = compare(words);
  expect(forks).toEqual([]);
  expect(common).toMatchObject({ coldTerm: 4 });
  expect(laggards).toEqual([]);
});

test("without an index that all signed, members are compared with whom they can be", () => {
  const { common, laggards, resultsOf, findingsOf } = compare([
    word(0, 5),
    word(1, 5),
    word(1, 9),
    word(2, 9),
  ]);
  expect(common).toBeNull();
  expect([0, 1, 2].map(resultsOf)).toEqual([same, same, same]);
  expect(findingsOf(0)[0]?.actual).toMatch(/at index 5, as 1 other of 3 that answered signed it$/);
  expect(findingsOf(1)[0]?.actual).toMatch(/at index 9, /);
  expect(laggards).toEqual([addressIn(0)]);
});

test.each<readonly [string, Word[], RegExp]>([
  ["at no common index", [word(2, 3)], /^its newest is at index 3$/],
  ["that shows no checkpoint", [], /^no checkpoint that it signed$/],
])("a member %s fails: nothing was compared", (_what, own, actual) => {
  const { resultsOf, findingsOf } = compare([word(0, 8), word(0, 9), word(1, 9), ...own]);
  expect([0, 1, 2].map(resultsOf)).toEqual([same, same, other]);
  expect(findingsOf(2)[0]).toMatchObject({
    expected: "a signed checkpoint at an index that another member signed (from 8 to 9)",
    actual: expect.stringMatching(actual),
  });
});

test("the only member that answers of several has nobody to agree with", () => {
  expect(compare([word(0, 9)], { slots: [0] }).resultsOf(0)).toEqual(other);
});

test("a cluster of one has no other log to compare with", () => {
  const alone = { slots: [0], rosterSize: 1 };
  expect(compare([word(0, 9)], alone).resultsOf(0)).toEqual(["log root: skipped"]);
});

test("the contract's anchor is one more word", () => {
  const words = [0, 1].flatMap((slot) => [word(slot, 5), word(slot, 9)]);
  const { resultsOf, laggards } = compare([...words, word(2, 5)], { anchor: anchorAt(9) });
  const anchored = [...same, "contract's anchor: ok"];
  const unanchored = [...same, "contract's anchor: skipped"];
  expect([0, 1, 2].map(resultsOf)).toEqual([anchored, anchored, unanchored]);
  expect(laggards).toEqual([addressIn(2)]);
});

test("a member that stands alone at the anchor's index is compared with the anchor", () => {
  const { resultsOf } = compare([word(0, 9), word(1, 12), word(2, 12)], { anchor: anchorAt(9) });
  expect(resultsOf(0)).toEqual([...same, "contract's anchor: ok"]);
});

test("whoever signed another root than the anchor's fails at it", () => {
  const words = [0, 1, 2].map((slot) => word(slot, 9));
  const { findingsOf, resultsOf } = compare(words, { anchor: anchorAt(9, "ff") });
  expect(resultsOf(1)).toEqual([...same, "contract's anchor: failed"]);
  expect(findingsOf(1)[1]).toMatchObject({
    expected: expect.stringMatching(/^root (ff){32} at index 9$/),
    actual: expect.stringMatching(/^root (09){32} at index 9$/),
  });
  const alone = compare([word(0, 9), word(1, 12), word(2, 12)], { anchor: anchorAt(9, "ff") });
  expect(alone.resultsOf(0)).toEqual([...other, "contract's anchor: failed"]);
});

test("only what a member's own wallet signed is its word", async () => {
  const { checkpoint } = word(0, 9);
  const sign = async (slot: number) => ({
    checkpoint,
    signature: await createCheckpointSigner(cluster, walletIn(slot))(checkpoint),
  });
  const none = { checkpoint, signature: "0x" };
  const signed = [await sign(0), await sign(1), none];
  const { words, foreign } = await wordsOf(addressIn(0), signed, recoverVoucher);
  expect(words).toEqual([{ wallet: addressIn(0), ...signed[0] }]);
  expect(foreign).toEqual([`index 9, signed by ${addressIn(1)}`, "index 9, signed by nobody"]);
});
