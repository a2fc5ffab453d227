import { expect, test } from "vitest";
import { encodeIncrement } from "../../../node/src/application/envelope.ts";
import type { Checkpoint } from "../../../node/src/consensus/checkpoint.ts";
import type { Body, Entry } from "../../../node/src/consensus/entry.ts";
import { type Hash, hash, noHash, term } from "../../../node/src/consensus/ids.ts";
import type { Position } from "../../../node/src/consensus/log.ts";
import { emptyFrontier } from "../../../node/src/consensus/merkle.ts";
import { boot } from "../../../node/src/consensus/replica.ts";
import { noSeats } from "../../../node/src/consensus/seats.ts";
import type { Snapshot } from "../../../node/src/consensus/snapshot.ts";
import { createReplicated, type Replicated } from "../../../node/src/runtime/replicated.ts";
import { sha256Chain } from "../../../node/src/storage/digest.ts";
import { bootOf, chain, setupOf } from "../consensus/support.ts";

const mark: Body = { kind: "mark" };
const raise = (by: number, key: string | null = null): Body => ({
  kind: "command",
  payload: encodeIncrement(by, key),
});
const taken = (index: number, stateHash: Hash): Body => ({
  kind: "checkpoint",
  checkpoint: { coldTerm: term(0), index, logRoot: noHash, stateHash },
});
const entries = (bodies: readonly Body[], after?: Position): Entry[] =>
  chain(
    bodies.map((body) => [1, body]),
    after,
  );

/** A replica, and all that committing entries to it came to. */
function open(snapshot: Snapshot | null = null) {
  const replicated = createReplicated(snapshot, sha256Chain);
  const hashed: { index: number; stateHash: Hash }[] = [];
  const divergences: { checkpoint: Checkpoint; own: Hash }[] = [];
  const commit = (committed: readonly Entry[]): void =>
    replicated.commit(committed, {
      onOutcome: () => undefined,
      onStateHashed: (index, stateHash) => hashed.push({ index, stateHash }),
      onDivergence: (checkpoint, own) => divergences.push({ checkpoint, own }),
    });
  return { replicated, hashed, divergences, commit };
}

function snapshotOf(replicated: Replicated, at: Position): Snapshot {
  const captured = replicated.capture(1) ?? expect.fail();
  return { at, seats: noSeats, tree: emptyFrontier, state: captured.state };
}

test("a mark is hashed as of its index, for whoever asks later", () => {
  const { replicated, hashed, commit } = open();
  commit(entries([raise(1), mark, raise(2), mark, mark]));
  const [first, second, third] = hashed.map(({ stateHash }) => stateHash);
  expect(hashed.map(({ index }) => index)).toEqual([2, 4, 5]);
  expect([1, 2, 3, 4, 5].map(replicated.stateHashAt)).toEqual([
    undefined,
    first,
    undefined,
    second,
    third,
  ]);
  expect(second).not.toBe(first);
  // A mark changes no state.
  expect(third).toBe(second);
});

test("the hashes of the last marks are kept, and no others", () => {
  const { replicated, commit } = open();
  commit(entries(Array.from({ length: 40 }, () => mark)));
  expect(replicated.stateHashAt(24)).toBeUndefined();
  expect(replicated.stateHashAt(25)).toBe(replicated.stateHashAt(40));
});

test("a replica restored from a snapshot hashes alike, and knows no marks before it", () => {
  const log = entries([raise(1, "a"), mark, raise(2, "b"), raise(3), mark]);
  const one = open();
  const cut = log[2] ?? expect.fail();
  one.commit(log.slice(0, 3));
  const other = open(snapshotOf(one.replicated, cut));
  one.commit(log.slice(3));
  other.commit(log.slice(3));
  expect(other.hashed).toEqual(one.hashed.slice(1));
  expect(other.replicated.stateHashAt(2)).toBeUndefined();

  // What it was before the leader's snapshot replaced it is no word on what it is now.
  const late = open();
  late.commit(log.slice(0, 2));
  late.replicated.restore(snapshotOf(one.replicated, log[4] ?? expect.fail()));
  expect(late.replicated.stateHashAt(2)).toBeUndefined();
});

test("a checkpoint that says what was found here is passed over, as is one not seen here", () => {
  const { replicated, hashed, divergences, commit } = open();
  const log = entries([raise(1), mark]);
  commit(log);
  const own = hashed[0]?.stateHash ?? expect.fail();
  commit(entries([taken(2, own), taken(1, noHash), raise(5)], log[1]));
  expect(divergences).toEqual([]);
  expect(replicated.appliedIndex()).toBe(5);
});

test("a state that went another way is found out, and nothing is applied to it any more", () => {
  const before = entries([raise(1, "a")]);
  const [honest, astray] = [open(), open()];
  honest.commit(before);
  astray.commit(entries([raise(2, "a")]));
  const restored = open(snapshotOf(astray.replicated, before[0] ?? expect.fail()));

  const marked = entries([mark], before[0]);
  honest.commit(marked);
  restored.commit(marked);
  const [right, wrong] = [honest, restored].map(({ hashed }) => hashed[0]?.stateHash);
  if (right === undefined || wrong === undefined) expect.fail();
  const after = entries([taken(2, right), raise(9)], marked[0]);
  honest.commit(after);
  restored.commit(after);

  expect(honest.divergences).toEqual([]);
  expect(honest.replicated.appliedIndex()).toBe(4);
  expect(restored.divergences).toEqual([
    { checkpoint: { coldTerm: 0, index: 2, logRoot: noHash, stateHash: right }, own: wrong },
  ]);
  expect(restored.replicated.appliedIndex()).toBe(3);
});

test("a page of the log shows marks, and checkpoints with what they say", () => {
  const { replicated, commit } = open();
  const log = entries([mark, taken(1, hash("ab".repeat(32)))]);
  commit(log);
  const replica = boot(setupOf(bootOf(0)), { promised: null, snapshot: null, entries: log }, 0);
  const page = replicated.page({ ...replica, commitIndex: 2 }, 1, 10);
  const place = { term: 1, time: 1_000, application: null, result: null };
  expect(page.entries).toEqual([
    { ...place, index: 1, kind: "mark", command: null, hash: log[0]?.hash },
    {
      ...place,
      index: 2,
      kind: "checkpoint",
      command: { coldTerm: 0, index: 1, logRoot: noHash, stateHash: "ab".repeat(32) },
      hash: log[1]?.hash,
    },
  ]);
});
