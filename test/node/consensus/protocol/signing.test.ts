/** protocol.md, 12.4 to 12.6 and 12.8: who signs checkpoints, and what that proves. */
import { expect, test } from "vitest";
import type { Effect } from "../../../../node/src/consensus/effect.ts";
import { makeEntry } from "../../../../node/src/consensus/entry.ts";
import { type Hash, hash, term } from "../../../../node/src/consensus/ids.ts";
import {
  emptyFrontier,
  pathOf,
  rootOfPath,
  subtreesOf,
} from "../../../../node/src/consensus/merkle.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import { sha256Tree } from "../../../../node/src/storage/digest.ts";
import {
  appendOf,
  bootOf,
  chain,
  command,
  hear,
  lastOf,
  messagesOf,
  ofKind,
  registered,
  rosterOfBoots,
  see,
  sha256,
  takeAll,
  tick,
  treeHead,
  viewOf,
} from "../support.ts";

const [a, b, c, d] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3)] as const;
const roster = rosterOfBoots([a, b, c]);
const view = viewOf(roster, 1, a);
const stateHash = hash("5e".repeat(32));

/** A log whose checkpoint says that the log up to its mark has this root. */
function logSaying(logRoot: Hash | null, coldTerm = 0) {
  const entries = chain([
    [1, { kind: "term-start", roster, cold: false }],
    [1, command(1)],
    [1, { kind: "mark" }],
  ]);
  const right = treeHead(entries.map((entry) => entry.hash));
  const said = { coldTerm: term(coldTerm), index: 3, logRoot: logRoot ?? right, stateHash };
  const last = chain([[1, { kind: "checkpoint", checkpoint: said }]], lastOf(entries));
  return { right, said, entries: [...entries, ...last] };
}

const follower = registered(b, view, [a, c]);
const told = (entries: ReturnType<typeof logSaying>["entries"], commitIndex: number) =>
  hear(a, appendOf(view, { entries, commitIndex }));
const signings = (effects: readonly Effect[]) =>
  ofKind(effects, "sign-checkpoint").map(({ checkpoint }) => checkpoint);

test("12.4 a replica that finds another root halts, and reports both", () => {
  const wrong = hash("bad0".repeat(16));
  const { right, entries } = logSaying(wrong);
  const early = step(follower, told(entries, 3));
  expect(ofKind(early.effects, "halt")).toEqual([]);
  const { effects } = step(follower, told(entries, 4));
  const [halt] = ofKind(effects, "halt");
  expect(halt?.reason).toBe("invariant");
  expect(halt?.detail).toContain(wrong);
  expect(halt?.detail).toContain(right);
  expect(signings(effects)).toEqual([]);
});

test("12.5 a member signs a checkpoint once it is committed and applied, never before", () => {
  const { said, entries } = logSaying(null);
  const before = step(follower, told(entries, 3));
  expect(signings(before.effects)).toEqual([]);
  const later = appendOf(view, { previous: lastOf(entries), commitIndex: 4 });
  const { effects } = step(before.replica, hear(a, later));
  expect(signings(effects)).toEqual([said]);
  const order = effects.map(({ kind }) => kind);
  expect(order.indexOf("commit")).toBeLessThan(order.indexOf("sign-checkpoint"));
});

/** Checkpoints over a log of one entry, noted at these times of the leader's clock. */
function checkpointsAt(...timesMs: readonly number[]) {
  const [start] = chain([[1, { kind: "term-start", roster, cold: false }]]);
  if (start === undefined) throw new Error("expected an entry");
  const entries = [start];
  for (const [at, timeMs] of timesMs.entries()) {
    const covered = treeHead(entries.map((entry) => entry.hash));
    const checkpoint = { coldTerm: term(0), index: at + 1, logRoot: covered, stateHash };
    const draft = { index: at + 2, term: term(1), timeMs };
    const previous = entries.at(-1)?.hash ?? hash("00".repeat(32));
    entries.push(makeEntry(draft, { kind: "checkpoint", checkpoint }, previous, sha256));
  }
  return entries;
}

test("12.5 of many checkpoints, the first of each quarter second by the log's time is signed", () => {
  const entries = checkpointsAt(1_000, 1_100, 1_249, 1_250, 1_499);
  const { effects } = step(follower, told(entries, entries.length));
  expect(signings(effects).map(({ index }) => index)).toEqual([1, 4]);
});

test("12.5 the last checkpoint is signed in any case, a quarter second later", () => {
  const entries = checkpointsAt(1_000, 1_100, 1_200);
  const committed = step(follower, told(entries, entries.length)).replica;
  expect(signings(step(committed, tick(249)).effects)).toEqual([]);
  const late = step(committed, tick(250));
  expect(signings(late.effects).map(({ index }) => index)).toEqual([3]);
  expect(signings(step(late.replica, tick(900)).effects)).toEqual([]);
});

test("12.5 a member tells its peers what it signed", () => {
  const { said, entries } = logSaying(null);
  const committed = step(follower, told(entries, 4)).replica;
  const voucher = { checkpoint: said, signature: "0x0b" };
  const { effects } = step(committed, { kind: "checkpoint-signed", voucher });
  const vouch = { kind: "vouch", wanting: false, ...voucher };
  expect(messagesOf(effects, "vouch", a)).toEqual([vouch]);
  expect(messagesOf(effects, "vouch", c)).toEqual([vouch]);
});

test("12.5 a node that is no member signs nothing", () => {
  const { entries } = logSaying(null);
  const learner = registered(d, view, [a]);
  expect(signings(step(learner, told(entries, 4)).effects)).toEqual([]);
});

test("12.6 a member signs only once the contract's term is confirmed", () => {
  const { said, entries } = logSaying(null);
  const unsure = registered(b, { ...view, settled: false }, [a, c]);
  const committed = step(unsure, told(entries, 4));
  expect(signings(committed.effects)).toEqual([]);
  const confirmed = takeAll(committed.replica, [see(view), tick(250)]);
  expect(signings(confirmed.effects)).toEqual([said]);
});

test.each([
  { log: 0, contract: 1 },
  { log: 2, contract: 1 },
])("12.6 a member does not sign for cold term $log while the contract shows $contract", (cold) => {
  const { said, entries } = logSaying(null, cold.log);
  const shown = (coldTerm: number) => ({ ...view, coldTerm: term(coldTerm) });
  const other = registered(b, shown(cold.contract), [a, c]);
  const committed = step(other, told(entries, 4));
  expect(signings(committed.effects)).toEqual([]);
  expect(signings(step(committed.replica, tick(250)).effects)).toEqual([]);
  const right = takeAll(committed.replica, [see(shown(cold.log)), tick(250)]);
  expect(signings(right.effects)).toEqual([said]);
});

test("12.8 the path of each entry up to the mark leads to the root that is signed", () => {
  const { said, entries } = logSaying(null);
  const size = said.index;
  const hashAt = (index: number) => entries[index - 1]?.hash ?? hash("00".repeat(32));
  const subtreeAt = subtreesOf(emptyFrontier, hashAt, sha256Tree);
  const signed = signings(step(follower, told(entries, 4)).effects)[0];
  for (let index = 1; index <= size; index += 1) {
    const path = pathOf({ index, size }, subtreeAt, sha256Tree);
    const provenBy = (entryHash: Hash, at = index) =>
      rootOfPath({ index: at, size, entryHash }, path, sha256Tree);
    expect(provenBy(hashAt(index))).toBe(signed?.logRoot);
    expect(provenBy(hashAt(4))).not.toBe(signed?.logRoot);
  }
});
