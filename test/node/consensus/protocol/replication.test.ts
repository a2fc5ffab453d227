/** protocol.md, section 5. */
import { expect, test } from "vitest";
import type { Entry } from "../../../../node/src/consensus/entry.ts";
import { hash, term } from "../../../../node/src/consensus/ids.ts";
import { origin } from "../../../../node/src/consensus/log.ts";
import type { Replica } from "../../../../node/src/consensus/replica.ts";
import { step } from "../../../../node/src/consensus/step.ts";
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
  promiseOf,
  propose,
  registered,
  restarted,
  rosterOfBoots,
  see,
  synced,
  takeAll,
  viewOf,
} from "../support.ts";
import { serving } from "./cluster.ts";

const [a, b, c] = [bootOf(0), bootOf(1), bootOf(2)] as const;
const a2 = bootOf(0, 2);
const roster = rosterOfBoots([a, b, c]);
const view = viewOf(roster, 1, a);
const start = { kind: "term-start", roster, cold: false } as const;
const entries = chain([
  [1, start],
  [1, command(1)],
  [1, command(2)],
]);
const upTo = (index: number) => entries.slice(0, index);

/** A follower of A in term 1 that holds so many of `entries`. */
function holding(count: number, committed = 0): Replica {
  const word = appendOf(view, { entries: upTo(count), commitIndex: committed });
  return step(registered(b, view, [a, c]), hear(a, word)).replica;
}

test("5.1 an append that fits is answered by an ack of what now matches", () => {
  const word = { previous: lastOf(upTo(1)), entries: entries.slice(1), round: 7 };
  const { replica, effects } = step(holding(1), hear(a, appendOf(view, word)));
  expect(replica.log.shared).toEqual(entries);
  const { index, hash: matchHash } = lastOf(entries);
  expect(messagesOf(effects, "ack", a)).toEqual([
    { kind: "ack", term: 1, status: "normal", matchIndex: index, matchHash, round: 7 },
  ]);
});

test("5.1 an append behind the end of the log is rejected with where the log ends", () => {
  const word = { previous: lastOf(entries), entries: [], round: 7 };
  const { effects } = step(holding(1), hear(a, appendOf(view, word)));
  expect(messagesOf(effects, "reject", a)).toEqual([
    { kind: "reject", term: 1, status: "normal", hint: 1, round: 7 },
  ]);
  expect(messagesOf(effects, "ack")).toEqual([]);
});

test("5.1 a position matches by its hash, not by its index and term", () => {
  const previous = { ...lastOf(upTo(2)), hash: hash("ab".repeat(32)) };
  const held = holding(2, 1);
  const { replica, effects } = step(held, hear(a, appendOf(view, { previous })));
  expect(messagesOf(effects, "reject", a)).toMatchObject([{ hint: 1 }]);
  expect(replica.log).toEqual(held.log);
});

test("5.1 the leader goes back to the hint of a reject, and takes no ack of another hash", () => {
  const cluster = serving([a, b, c]);
  cluster.cut(b, c);
  cluster.take(a, propose(1), propose(2));
  const reject = { kind: "reject", term: term(1), status: "normal", hint: 1, round: 0 } as const;
  const back = cluster.take(a, hear(b, reject));
  expect(messagesOf(back, "append", b)).toMatchObject([
    { previous: { index: 1 }, entries: [{ index: 2 }, { index: 3 }] },
  ]);
  const { log } = cluster.replica(a);
  cluster.take(a, hear(b, ackOf(1, { ...log.last, hash: hash("ab".repeat(32)) })));
  expect(cluster.replica(a).commitIndex).toBe(1);
  cluster.take(a, hear(b, ackOf(1, log.last)));
  expect(cluster.replica(a).commitIndex).toBe(3);
});

test("5.2 entries are durable before the ack leaves", () => {
  const { effects } = step(registered(b, view, [a]), hear(a, appendOf(view, { entries })));
  const writes = ofKind(effects, "persist").flatMap((persist) => persist.writes);
  expect(writes.at(-1)).toEqual({ kind: "entries", after: 0, entries });
  const ack = effects.findIndex((one) => one.kind === "send" && one.message.kind === "ack");
  expect(effects[ack]).toMatchObject({ after: "durable" });
  expect(effects.slice(ack).filter(({ kind }) => kind === "persist")).toEqual([]);
});

test("5.2 the leader sends before its own disk is done, and only its own count waits for that", () => {
  const cluster = serving([a, b, c]);
  cluster.holdDisk(a);
  cluster.cut(c);
  cluster.take(a, propose(1), propose(2));
  cluster.deliver();
  expect(cluster.replica(b).log.last.index).toBe(3);
  expect(cluster.replica(a).commitIndex).toBe(1);
  cluster.releaseDisk(a);
  expect(cluster.replica(a).commitIndex).toBe(3);
});

test("5.2 a quorum without the leader's disk commits as well", () => {
  const cluster = serving([a, b, c]);
  cluster.holdDisk(a);
  cluster.take(a, propose(1));
  cluster.deliver();
  expect(cluster.replica(a).commitIndex).toBe(2);
});

/** A leads term 2 with entries of term 1 that are not known to be committed. */
function startingIn2(): Replica {
  const second = viewOf(roster, 2, a);
  const before = viewOf(roster, 1, b);
  const word = appendOf(before, { entries });
  const followed = takeAll(registered(a, before, [b, c]), [hear(b, word), see(second)]).replica;
  const promise = promiseOf(second, { last: lastOf(upTo(1)) });
  return synced(step(synced(followed).replica, hear(b, promise)).replica).replica;
}

test("5.3 entries of an earlier term are committed only along with one of the leader's own", () => {
  const leader = startingIn2();
  expect(leader.log.last).toMatchObject({ index: 4, term: 2 });
  const held = takeAll(leader, [
    hear(b, ackOf(2, lastOf(entries))),
    hear(c, ackOf(2, lastOf(entries))),
  ]);
  expect(held.replica.commitIndex).toBe(0);
  const own = step(held.replica, hear(b, ackOf(2, leader.log.last)));
  expect(own.replica.commitIndex).toBe(4);
  const [committed] = ofKind(own.effects, "commit");
  expect(committed?.entries).toEqual(leader.log.shared.slice(0, 4));
});

test("5.3 an index that no quorum holds is not committed", () => {
  const leader = startingIn2();
  expect(leader.commitIndex).toBe(0);
  expect(step(leader, hear(b, ackOf(2, lastOf(upTo(2))))).replica.commitIndex).toBe(0);
});

test("5.4 the ack of a boot that is recovering does not count", () => {
  const leader = startingIn2();
  const recovering = ackOf(2, leader.log.last, { status: "recovering" });
  expect(step(leader, hear(b, recovering)).replica.commitIndex).toBe(0);
});

test("5.4 the ack of a boot that the log does not name does not count", () => {
  const leader = takeAll(startingIn2(), [{ kind: "connected", boot: bootOf(1, 2) }]).replica;
  const ack = ackOf(2, leader.log.last);
  expect(step(leader, hear(bootOf(1, 2), ack)).replica.commitIndex).toBe(0);
  expect(step(leader, hear(b, ack)).replica.commitIndex).toBe(4);
});

test("5.4 the ack of a boot that the log has replaced does not count", () => {
  const rejoin = chain([[1, { kind: "rejoin", ...bootOf(1, 2) }]], lastOf(entries));
  const second = viewOf(roster, 2, a);
  const before = viewOf(roster, 1, c);
  const word = appendOf(before, { entries: [...entries, ...rejoin] });
  const followed = takeAll(registered(a, before, [b, c]), [hear(c, word), see(second)]).replica;
  const started = step(
    synced(followed).replica,
    hear(c, promiseOf(second, { last: lastOf(entries) })),
  );
  const leader = synced(started.replica).replica;
  expect(leader.office?.stage).toBe("starting");
  expect(step(leader, hear(b, ackOf(2, leader.log.last))).replica.commitIndex).toBe(0);
});

test("5.4 a leader counts itself by the same rule", () => {
  const second = viewOf(roster, 2, a);
  const again = restarted(a2, { entries }, second, [b, c]);
  const promise = promiseOf(second, { last: lastOf(entries) });
  const leader = synced(takeAll(again, [hear(b, promise), hear(c, promise)]).replica).replica;
  const one = step(leader, hear(b, ackOf(2, leader.log.last))).replica;
  expect(one.commitIndex).toBe(0);
  expect(step(one, hear(c, ackOf(2, leader.log.last))).replica.commitIndex).toBe(4);
});

test("5.5 entries that the leader has too are never dropped", () => {
  const { replica, effects } = step(holding(3), hear(a, appendOf(view, { entries: upTo(2) })));
  expect(replica.log.last).toEqual(lastOf(entries));
  expect(ofKind(effects, "persist")).toEqual([]);
  expect(messagesOf(effects, "ack")).toMatchObject([{ matchIndex: 2 }]);
});

test("5.5 a real conflict cuts the log from there", () => {
  const other = chain([[1, command(9)]], lastOf(upTo(1)));
  const word = { previous: lastOf(upTo(1)), entries: other };
  const { replica, effects } = step(holding(3), hear(a, appendOf(view, word)));
  expect(replica.log.last).toEqual(lastOf(other));
  expect(ofKind(effects, "persist")).toMatchObject([{ writes: [{ after: 1, entries: other }] }]);
});

test.each([
  { at: "behind", previous: lastOf(upTo(1)) },
  { at: "at the beginning of", previous: origin },
])("5.6 a cut below the commit index, by an append $at the log, halts the replica", (word) => {
  const others: readonly Entry[] =
    word.previous.index === 0
      ? chain([[1, command(9)]])
      : chain([[1, command(9)]], lastOf(upTo(1)));
  const held = holding(3, 2);
  const message = appendOf(view, { previous: word.previous, entries: others });
  const { replica, effects } = step(held, hear(a, message));
  const [halt] = ofKind(effects, "halt");
  expect(halt?.reason).toBe("invariant");
  expect(halt?.detail).toContain(`index ${others[0]?.index}`);
  expect(halt?.detail).toContain("commit index 2");
  expect(replica.log).toEqual(held.log);
  expect(ofKind(effects, "persist")).toEqual([]);
});

test("5.6 a leader whose log differs at a committed index halts the replica", () => {
  const previous = { ...lastOf(upTo(2)), hash: hash("ab".repeat(32)) };
  const { effects } = step(holding(3, 2), hear(a, appendOf(view, { previous })));
  expect(ofKind(effects, "halt")).toMatchObject([{ reason: "invariant" }]);
});

test("5.6 the entry right behind the commit index may still be cut", () => {
  const other = chain([[1, command(9)]], lastOf(upTo(2)));
  const word = { previous: lastOf(upTo(2)), entries: other };
  const { replica, effects } = step(holding(3, 2), hear(a, appendOf(view, word)));
  expect(ofKind(effects, "halt")).toEqual([]);
  expect(replica.log.last).toEqual(lastOf(other));
});

test("5.7 batches are pipelined up to a bound, and the rest leaves with the next ack", () => {
  const cluster = serving([a, b, c], { batchesInFlightMax: 2 });
  const sent = [1, 2, 3, 4].flatMap((byte) =>
    messagesOf(cluster.take(a, propose(byte)), "append", b).map((message) =>
      message.entries.map(({ index }) => index),
    ),
  );
  expect(sent).toEqual([[2], [3]]);
  const second = cluster.replica(a).log.shared[1];
  const acked = cluster.take(a, hear(b, ackOf(1, lastOf(second ? [second] : []))));
  const [batch] = messagesOf(acked, "append", b).filter(({ entries: some }) => some.length > 0);
  expect(batch?.entries.map(({ index }) => index)).toEqual([4, 5]);
});
