/** protocol.md, 8.8: the last anchor on the chain bounds what a cold start can lose. */
import { expect, test } from "vitest";
import type { Entry } from "../../../../node/src/consensus/entry.ts";
import { type Boot, hash, term } from "../../../../node/src/consensus/ids.ts";
import { origin } from "../../../../node/src/consensus/log.ts";
import { emptyFrontier, extend, rootOf } from "../../../../node/src/consensus/merkle.ts";
import type { Remembered, Replica } from "../../../../node/src/consensus/replica.ts";
import { noSeats, seatsAfter } from "../../../../node/src/consensus/seats.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import type { View } from "../../../../node/src/consensus/view.ts";
import { sha256Tree } from "../../../../node/src/storage/digest.ts";
import {
  bootOf,
  chain,
  command,
  hear,
  lastOf,
  ofKind,
  promiseOf,
  reportOf,
  restarted,
  rosterOfBoots,
  synced,
  takeAll,
  tick,
  viewOf,
} from "../support.ts";

const [a, b, c] = [bootOf(0, 2), bootOf(1, 2), bootOf(2, 2)] as const;
const before = rosterOfBoots([bootOf(0), bootOf(1), bootOf(2)]);
const named = rosterOfBoots([a, b, c]);
const log = chain([
  [1, { kind: "term-start", roster: before, cold: false }],
  [1, command(1)],
  [1, command(2)],
  [1, command(3)],
]);
const treeOver = (entries: readonly Entry[]) =>
  extend(
    emptyFrontier,
    entries.map((entry) => entry.hash),
    sha256Tree,
  );
const rootOver = (entries: readonly Entry[]) =>
  rootOf(treeOver(entries), sha256Tree) ?? hash("00".repeat(32));

const anchored = (index: number, logRoot = rootOver(log.slice(0, index))): View => ({
  ...viewOf(named, 5, a),
  coldTerm: term(5),
  anchor: { coldTerm: term(0), index, logRoot },
});

/** A cold start in which the leader holds this disk, and the others these entries. */
function coldStart(view: View, own: Partial<Remembered>, others: readonly Entry[]) {
  const leader = synced(restarted(a, own, view, [b, c])).replica;
  const promise = promiseOf(view, { status: "recovering", last: lastOf(others) });
  return takeAll(leader, [hear(b, promise), hear(c, promise)]);
}

const stageOf = ({ replica }: { readonly replica: Replica }) => replica.office?.stage;

test("8.8 a log that holds the anchor, at its index and root, is adopted", () => {
  expect(stageOf(coldStart(anchored(2), { entries: log }, log))).toBe("starting");
  expect(stageOf(coldStart(anchored(4), { entries: log }, log))).toBe("starting");
});

test("8.8 a log that ends before the anchor is refused, and it is said how much it lacks", () => {
  const short = log.slice(0, 2);
  const refused = coldStart(anchored(4), { entries: short }, short);
  expect(stageOf(refused)).toBe("gathering");
  expect(refused.replica.log.last).toEqual(lastOf(short));
  expect(ofKind(refused.effects, "persist")).toEqual([]);
  expect(ofKind(refused.effects, "note")).toMatchObject([
    {
      event: "rollback-detected",
      detail: { anchorIndex: 4, lastIndex: 2, missingEntries: 2 },
    },
  ]);
});

test("8.8 a log with another root at the anchor's index is refused, however long", () => {
  const refused = coldStart(anchored(2, rootOver(log.slice(1, 3))), { entries: log }, log);
  expect(stageOf(refused)).toBe("gathering");
  expect(ofKind(refused.effects, "note")).toMatchObject([{ event: "rollback-detected" }]);
});

test("8.8 what is fetched is judged together with what the leader has", () => {
  const fetched = { kind: "fetched", term: term(5), after: origin, entries: log } as const;
  const wanting = coldStart(anchored(3), { entries: log.slice(0, 1) }, log).replica;
  expect(wanting.office?.stage).toBe("fetching");
  expect(step(wanting, hear(b, fetched)).replica.office?.stage).toBe("starting");

  const other = coldStart(anchored(3, rootOver(log.slice(0, 2))), { entries: [] }, log).replica;
  const refused = step(other, hear(b, fetched)).replica;
  expect(refused).toMatchObject({ office: { stage: "gathering" }, log: { last: origin } });
});

test("8.8 a promise that brings the missing entries is welcome later", () => {
  const [short, view] = [log.slice(0, 2), anchored(4)];
  const refused = coldStart(view, { entries: short }, short).replica;
  const more = promiseOf(view, { status: "recovering", last: lastOf(log) });
  const wanting = step(refused, hear(c, more)).replica;
  expect(wanting.office?.stage).toBe("fetching");
  const after = lastOf([]);
  const fetched = { kind: "fetched", term: term(5), after, entries: log } as const;
  expect(step(wanting, hear(c, fetched)).replica.office?.stage).toBe("starting");
});

test("8.8 a refused cold start is asked for anew once other boots have answered", () => {
  const short = log.slice(0, 2);
  const refused = coldStart(anchored(4), { entries: short }, short).replica;
  const said = reportOf(5, { status: "recovering", last: lastOf(short) });
  const petition = (...from: readonly Boot[]) => {
    const heard = from.map((one) => hear(one, said));
    const { effects } = takeAll(refused, [...heard, tick(1_500)]);
    return ofKind(effects, "cold-start");
  };
  expect(petition(b, c)).toEqual([]);
  const c3 = bootOf(2, 3);
  expect(petition(b, c3)).toMatchObject([{ bootKeys: [a, b, c3].map(({ bootKey }) => bootKey) }]);
});

test("8.8 an anchor from before the first entry kept is judged by length", () => {
  const base = log.slice(0, 3);
  const snapshot = {
    at: lastOf(base),
    seats: seatsAfter(noSeats, base),
    tree: treeOver(base),
    state: new Uint8Array(),
  };
  const own = { snapshot, entries: log.slice(3) };
  const unknowable = anchored(2, hash("ab".repeat(32)));
  expect(stageOf(coldStart(unknowable, own, log))).toBe("starting");
  const wrong = anchored(4, hash("ab".repeat(32)));
  expect(stageOf(coldStart(wrong, own, log))).toBe("gathering");
  expect(stageOf(coldStart(anchored(4), own, log))).toBe("starting");
});

test("8.8 a start that is not cold is not held against the anchor", () => {
  const view = { ...viewOf(before, 2, bootOf(0)), anchor: anchored(4).anchor };
  const leader = restarted(a, { entries: log.slice(0, 1) }, view, [bootOf(1), bootOf(2)]);
  const promise = promiseOf(view, { last: lastOf(log.slice(0, 1)) });
  const { replica } = takeAll(leader, [hear(bootOf(1), promise), hear(bootOf(2), promise)]);
  expect(replica.office?.stage).toBe("starting");
});
