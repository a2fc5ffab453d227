/** protocol.md, 4.14 and 4.15: the rosters whose quorums a leader needs. */
import { expect, test } from "vitest";
import { type Boot, term } from "../../../../node/src/consensus/ids.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import {
  ackOf,
  appendOf,
  bootOf,
  chain,
  hear,
  lastOf,
  promiseOf,
  registered,
  rosterOfBoots,
  see,
  synced,
  takeAll,
  tick,
  viewOf,
} from "../support.ts";

const [a, b, c, d, e] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3), bootOf(4)] as const;
const startOf = (...boots: readonly Boot[]) =>
  ({ kind: "term-start", roster: rosterOfBoots(boots), cold: false }) as const;
const log = chain([
  [1, startOf(a, b, c)],
  [2, startOf(c, d, e)],
]);
const [before, after] = [rosterOfBoots([a, b, c]), rosterOfBoots([c, d, e])];
/** Held the term-start of A, B, C alone, or that of C, D, E as well. */
const [short, long] = [{ last: lastOf(log.slice(0, 1)) }, { last: lastOf(log) }];

/** C, or A, about to lead `view`, with so much of the log and so much of it known committed. */
function gathering(self: Boot, view: ReturnType<typeof viewOf>, held: number, committed: number) {
  const others = [a, b, c, d, e].filter((one) => one !== self);
  const leader = self === a ? c : held === 2 ? d : a;
  const earlier = { ...viewOf(held === 2 ? after : before, held, leader), genesisSize: 3 };
  const word = appendOf(earlier, { entries: log.slice(0, held), commitIndex: committed });
  const replica = registered(self, earlier, others);
  const followed = takeAll(replica, [hear(leader, word), see({ ...view, genesisSize: 3 })]).replica;
  return synced(followed).replica;
}

const stageAfter = (replica: ReturnType<typeof gathering>) => replica.office?.stage;

test("4.14 promises need a quorum of the last committed term-start's roster too", () => {
  const view = viewOf(after, 2, c);
  const all = takeAll(gathering(c, view, 1, 1), [
    hear(d, promiseOf(view, short)),
    hear(e, promiseOf(view, short)),
  ]).replica;
  expect(stageAfter(all)).toBe("gathering");
  expect(stageAfter(step(all, hear(b, promiseOf(view, short))).replica)).toBe("starting");
});

test("4.14 acks of the term-start need a quorum of the last committed term-start's roster too", () => {
  const view = viewOf(after, 2, c);
  const started = takeAll(gathering(c, view, 1, 1), [
    hear(d, promiseOf(view, short)),
    hear(b, promiseOf(view, short)),
  ]).replica;
  const at = started.log.last;
  expect(at.index).toBe(2);
  const all = takeAll(synced(started).replica, [hear(d, ackOf(2, at)), hear(e, ackOf(2, at))]);
  expect(all.replica.commitIndex).toBe(1);
  const both = step(all.replica, hear(b, ackOf(2, at))).replica;
  expect(both.commitIndex).toBe(2);
  expect(stageAfter(both)).toBe("active");
});

test("4.14 the new roster's own quorum is needed as well", () => {
  const view = viewOf(after, 2, c);
  const old = takeAll(gathering(c, view, 1, 1), [
    hear(a, promiseOf(view, short)),
    hear(b, promiseOf(view, short)),
  ]).replica;
  expect(stageAfter(old)).toBe("gathering");
  const started = step(old, hear(d, promiseOf(view, short))).replica;
  const at = started.log.last;
  const acked = takeAll(synced(started).replica, [hear(a, ackOf(2, at)), hear(b, ackOf(2, at))]);
  expect(acked.replica.commitIndex).toBe(1);
  expect(step(acked.replica, hear(e, ackOf(2, at))).replica.commitIndex).toBe(2);
});

test("4.14 a later roster in the adopted log is in play, though nobody knows it to be committed", () => {
  const view = viewOf(before, 3, a);
  const old = takeAll(gathering(a, view, 2, 1), [
    hear(b, promiseOf(view, short)),
    hear(c, promiseOf(view, short)),
  ]).replica;
  expect(stageAfter(old)).toBe("gathering");
  const started = step(old, hear(d, promiseOf(view, short))).replica;
  expect(stageAfter(started)).toBe("starting");
  const at = started.log.last;
  const acked = takeAll(synced(started).replica, [hear(b, ackOf(3, at)), hear(c, ackOf(3, at))]);
  expect(acked.replica.commitIndex).toBe(1);
  expect(step(acked.replica, hear(d, ackOf(3, at))).replica.commitIndex).toBe(3);
});

test("4.14 a roster in a fetched log is in play", () => {
  const view = viewOf(before, 3, a);
  const enough = takeAll(gathering(a, view, 1, 1), [
    hear(c, promiseOf(view, long)),
    hear(c, { kind: "fetched", term: term(3), after: short.last, entries: log.slice(1) }),
  ]).replica;
  expect(stageAfter(enough)).toBe("gathering");
  expect(stageAfter(step(enough, hear(d, promiseOf(view, short))).replica)).toBe("starting");
});

test("4.14 the roster before a committed term-start is out of play", () => {
  const view = viewOf(after, 3, c);
  const known = step(gathering(c, view, 2, 2), hear(d, promiseOf(view, long))).replica;
  expect(stageAfter(known)).toBe("starting");
  const told = gathering(c, view, 2, 1);
  expect(stageAfter(step(told, hear(d, promiseOf(view, long))).replica)).toBe("gathering");
  const knowing = promiseOf(view, { ...long, commitIndex: 2 });
  expect(stageAfter(step(told, hear(d, knowing)).replica)).toBe("starting");
});

test("4.14 once active, a leader needs its own roster's quorum alone", () => {
  const view = viewOf(after, 2, c);
  const started = takeAll(gathering(c, view, 1, 1), [
    hear(d, promiseOf(view, short)),
    hear(b, promiseOf(view, short)),
  ]).replica;
  const at = started.log.last;
  const active = takeAll(synced(started).replica, [hear(d, ackOf(2, at)), hear(b, ackOf(2, at))]);
  const proposed = step(active.replica, {
    kind: "propose",
    wallMs: 0,
    commands: [{ ticket: 1, payload: Uint8Array.of(1) }],
  }).replica;
  const next = proposed.log.last;
  const held = takeAll(synced(proposed).replica, [hear(d, ackOf(2, next))]).replica;
  expect(held.commitIndex).toBe(next.index);
});

/** Everyone promises, and nobody holds an entry. */
function emptyHanded(view: ReturnType<typeof viewOf>) {
  const own = synced(registered(a, view, [b, c])).replica;
  return takeAll(own, [hear(b, promiseOf(view)), hear(c, promiseOf(view))]).replica;
}

test("4.15 an empty log is adopted for a roster of the genesis size", () => {
  const view = viewOf(before, 1, a);
  expect(stageAfter(emptyHanded(view))).toBe("starting");
});

test.each([2, 4])("4.15 an empty log is not adopted by three, of %i that began", (genesisSize) => {
  const held = emptyHanded({ ...viewOf(before, 1, a), genesisSize });
  expect(stageAfter(held)).toBe("gathering");
  expect(held.log.last.index).toBe(0);
});

test("4.15 an empty log is not adopted for a genesis that the chain may take back", () => {
  const early = { ...viewOf(before, 1, a), settled: false };
  const held = emptyHanded(early);
  expect(stageAfter(held)).toBe("gathering");
  expect(stageAfter(step(held, see({ ...early, settled: true })).replica)).toBe("gathering");
  const later = takeAll(held, [see({ ...early, settled: true }), tick(1_000)]);
  expect(later.replica.office?.stage).toBe("starting");
});

test("4.15 an empty log is adopted in a cold start, however many began", () => {
  const cold = { ...viewOf(before, 5, a), genesisSize: 4, coldTerm: term(5) };
  expect(stageAfter(emptyHanded(cold))).toBe("starting");
});
