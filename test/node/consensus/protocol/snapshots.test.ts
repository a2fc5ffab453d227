/** protocol.md, section 6. */
import { expect, test } from "vitest";
import { emptyFrontier, extend } from "../../../../node/src/consensus/merkle.ts";
import type { SnapshotChunk } from "../../../../node/src/consensus/message.ts";
import { boot } from "../../../../node/src/consensus/replica.ts";
import { noSeats, seatsAfter } from "../../../../node/src/consensus/seats.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import { sha256Tree } from "../../../../node/src/storage/digest.ts";
import {
  ackOf,
  appendOf,
  bootOf,
  chain,
  command,
  hear,
  lastOf,
  messagesOf,
  ofKind,
  propose,
  registered,
  rosterOfBoots,
  setupOf,
  viewOf,
} from "../support.ts";
import { serving } from "./cluster.ts";

const [a, b, c] = [bootOf(0), bootOf(1), bootOf(2)] as const;
const roster = rosterOfBoots([a, b, c]);
const view = viewOf(roster, 1, a);
const state = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
const captured = (index: number, bytes = state) =>
  ({ kind: "state-captured", index, state: bytes }) as const;

test("6.1 a state replaces the entries up to its index, but for a tail", () => {
  const cluster = serving([a, b, c], { retainedEntries: 2 });
  cluster.take(a, propose(1, 2, 3, 4));
  cluster.deliver();
  const { log } = cluster.replica(a);
  const effects = cluster.take(a, captured(4));
  const { snapshot, log: kept } = cluster.replica(a);
  expect(snapshot).toMatchObject({ at: lastOf(log.shared.slice(0, 4)), state });
  expect(kept.before.index).toBe(2);
  expect(kept.shared).toEqual(log.shared.slice(2));
  expect(ofKind(effects, "persist")).toEqual([
    { kind: "persist", writes: [{ kind: "snapshot", snapshot, keepAfter: 2 }] },
  ]);
});

test("6.1 a replica goes on from its snapshot and what lies behind it", () => {
  const cluster = serving([a, b, c]);
  cluster.take(a, propose(1, 2, 3));
  cluster.deliver();
  cluster.take(a, captured(3));
  const { log, snapshot } = cluster.replica(a);
  const again = boot(setupOf(bootOf(0, 2)), cluster.crash(a), 0);
  expect(again.snapshot).toEqual(snapshot);
  expect(again.log).toMatchObject({ before: snapshot?.at, last: log.last });
});

test("6.1 no state stands for entries that are not committed, nor an older one for a newer", () => {
  const cluster = serving([a, b, c]);
  cluster.cut(b, c);
  cluster.take(a, propose(1));
  expect(cluster.take(a, captured(2))).toEqual([]);
  cluster.mend(b, c);
  cluster.pass(100);
  cluster.take(a, captured(2));
  expect(cluster.take(a, captured(1))).toEqual([]);
  expect(cluster.replica(a).snapshot?.at.index).toBe(2);
});

test("6.1 a follower that lags a little gets entries of the tail", () => {
  const cluster = serving([a, b, c], { retainedEntries: 3 });
  cluster.cut(c);
  cluster.take(a, propose(1, 2, 3));
  cluster.deliver();
  cluster.take(a, captured(4));
  cluster.mend(c);
  cluster.pass(200);
  expect(cluster.replica(c).commitIndex).toBe(4);
  expect(cluster.replica(c).snapshot).toBeNull();
});

test("6.2 a follower whose next entry is gone gets one snapshot to its end, then the tail", () => {
  const cluster = serving([a, b, c], { retainedEntries: 0, chunkBytesMax: 4 });
  cluster.cut(c);
  cluster.take(a, propose(1, 2));
  cluster.deliver();
  cluster.take(a, captured(3));
  const reject = { kind: "reject", term: view.term, status: "normal", hint: 1, round: 0 } as const;
  const chunks: SnapshotChunk[] = [];
  const noteChunks = (effects: ReturnType<typeof cluster.take>) => {
    chunks.push(...messagesOf(effects, "snapshot-chunk", c));
    return effects;
  };
  noteChunks(cluster.take(a, hear(c, reject)));
  cluster.take(a, propose(3));
  cluster.deliver();
  cluster.take(a, captured(4, Uint8Array.of(99)));
  for (const offset of [4, 8, 10]) {
    const atIndex = chunks[0]?.at.index ?? 0;
    const ack = { kind: "snapshot-ack", term: view.term, atIndex, offset } as const;
    noteChunks(cluster.take(a, hear(c, ack)));
  }
  expect(chunks.map(({ at, offset }) => [at.index, offset])).toEqual([
    [3, 0],
    [3, 4],
    [3, 8],
  ]);
  expect(Buffer.concat(chunks.map(({ bytes }) => bytes))).toEqual(Buffer.from(state));
  const at = chunks[0]?.at;
  if (at === undefined) throw new Error("expected a chunk");
  const tail = messagesOf(cluster.take(a, hear(c, ackOf(1, at))), "append", c);
  expect(tail).toMatchObject([{ previous: at, entries: [{ index: 4 }] }]);
});

test("6.2 a repeated ack begets no second stream of chunks", () => {
  const cluster = serving([a, b, c], { retainedEntries: 0, chunkBytesMax: 4 });
  cluster.cut(c);
  cluster.take(a, propose(1));
  cluster.deliver();
  cluster.take(a, captured(2));
  cluster.take(
    a,
    hear(c, { kind: "reject", term: view.term, status: "normal", hint: 1, round: 0 }),
  );
  const ack = hear(c, { kind: "snapshot-ack", term: view.term, atIndex: 2, offset: 4 });
  expect(messagesOf(cluster.take(a, ack), "snapshot-chunk", c)).toHaveLength(1);
  expect(messagesOf(cluster.take(a, ack), "snapshot-chunk", c)).toEqual([]);
});

test("6.2 a transfer that stalled begins again with the snapshot that it had", () => {
  const cluster = serving([a, b, c], { retainedEntries: 0, chunkBytesMax: 4 });
  cluster.cut(c);
  cluster.take(a, propose(1));
  cluster.deliver();
  cluster.take(a, captured(2));
  cluster.take(
    a,
    hear(c, { kind: "reject", term: view.term, status: "normal", hint: 1, round: 0 }),
  );
  cluster.take(a, propose(2));
  cluster.deliver();
  cluster.take(a, captured(3, Uint8Array.of(99)));
  cluster.forget();
  cluster.pass(1_100);
  const chunks = messagesOf(cluster.effects(a), "snapshot-chunk", c);
  expect(chunks.map(({ at, offset }) => [at.index, offset])).toEqual([[2, 0]]);
});

test("6.2 a laggard catches up by chunks", () => {
  const cluster = serving([a, b, c], { retainedEntries: 0, chunkBytesMax: 3 });
  cluster.cut(c);
  cluster.take(a, propose(1, 2));
  cluster.deliver();
  cluster.take(a, captured(3));
  cluster.take(a, propose(3));
  cluster.mend(c);
  cluster.pass(300);
  expect(ofKind(cluster.effects(c), "restore")).toMatchObject([{ snapshot: { state } }]);
  expect(cluster.replica(c).commitIndex).toBe(4);
});

const entries = chain([
  [1, { kind: "term-start", roster, cold: false }],
  [1, command(1)],
  [1, command(2)],
  [1, command(3)],
]);
const base = entries.slice(0, 2);
const chunk: SnapshotChunk = {
  kind: "snapshot-chunk",
  term: view.term,
  rosterHash: roster.hash,
  at: lastOf(base),
  seats: seatsAfter(noSeats, base),
  tree: extend(
    emptyFrontier,
    base.map(({ hash }) => hash),
    sha256Tree,
  ),
  offset: 0,
  totalBytes: state.length,
  bytes: state,
};

test("6.3 an installed snapshot keeps a suffix of the log that continues it", () => {
  const follower = registered(b, view, [a]);
  const holding = step(follower, hear(a, appendOf(view, { entries }))).replica;
  const { replica, effects } = step(holding, hear(a, chunk));
  expect(replica.log).toMatchObject({ before: chunk.at, last: lastOf(entries) });
  expect(replica.commitIndex).toBe(2);
  const { snapshot } = replica;
  expect(ofKind(effects, "persist")).toEqual([
    {
      kind: "persist",
      writes: [
        { kind: "install", snapshot },
        { kind: "entries", after: 2, entries: entries.slice(2) },
      ],
    },
  ]);
});

test("6.3 an installed snapshot drops what does not continue it", () => {
  const others = chain([
    [1, { kind: "term-start", roster, cold: false }],
    [1, command(7)],
    [1, command(8)],
  ]);
  const follower = registered(b, view, [a]);
  const holding = step(follower, hear(a, appendOf(view, { entries: others }))).replica;
  const { replica, effects } = step(holding, hear(a, chunk));
  expect(replica.log).toMatchObject({ before: chunk.at, last: chunk.at });
  expect(ofKind(effects, "persist").flatMap(({ writes }) => writes)).toEqual([
    { kind: "install", snapshot: replica.snapshot },
  ]);
});

test("6.3 what is committed already is not installed again", () => {
  const follower = registered(b, view, [a]);
  const word = appendOf(view, { entries, commitIndex: 3 });
  const { effects } = step(step(follower, hear(a, word)).replica, hear(a, chunk));
  expect(ofKind(effects, "persist")).toEqual([]);
  expect(ofKind(effects, "restore")).toEqual([]);
  expect(messagesOf(effects, "ack", a)).toMatchObject([{ matchIndex: 2 }]);
});

test("7.6 a boot that learns from a snapshot that it was replaced ends", () => {
  const other = bootOf(1, 2);
  const rejoin = { kind: "rejoin", member: other.member, bootKey: other.bootKey } as const;
  const [start, named] = chain([
    [1, { kind: "term-start", roster, cold: false }],
    [1, rejoin],
  ]);
  if (start === undefined || named === undefined) throw new Error("expected two entries");
  const follower = registered(b, view, [a]);
  const holding = step(follower, hear(a, appendOf(view, { entries: [start] }))).replica;
  const renamed = { ...chunk, at: lastOf([named]), seats: seatsAfter(noSeats, [start, named]) };
  const { effects } = step(holding, hear(a, renamed));
  expect(ofKind(effects, "halt")).toMatchObject([{ reason: "replaced" }]);
});

test("10.1 a chunk does not show its leader to be active: only an append says so", () => {
  const follower = registered(b, view, [a]);
  const first = step(follower, hear(a, chunk)).replica;
  expect(first.following).toMatchObject({ leader: a, active: false });
  const told = appendOf(view, { previous: chunk.at, active: true });
  const second = step(step(first, hear(a, told)).replica, hear(a, chunk)).replica;
  expect(second.following).toMatchObject({ leader: a, active: true });
});
