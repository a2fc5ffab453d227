/** protocol.md, 4.9, 4.10 and 4.13: which log a leader adopts, and when. */
import { expect, test } from "vitest";
import type { Send } from "../../../../node/src/consensus/effect.ts";
import type { Entry } from "../../../../node/src/consensus/entry.ts";
import { type Boot, term } from "../../../../node/src/consensus/ids.ts";
import { origin, type Position } from "../../../../node/src/consensus/log.ts";
import type { Replica } from "../../../../node/src/consensus/replica.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import {
  appendOf,
  bootOf,
  chain,
  command,
  hear,
  lastOf,
  messagesOf,
  ofKind,
  promiseOf,
  registered,
  restarted,
  rosterOfBoots,
  see,
  synced,
  takeAll,
  tick,
  viewOf,
} from "../support.ts";

const [a, b, c, d, e] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3), bootOf(4)] as const;
const [a2, b2] = [bootOf(0, 2), bootOf(1, 2)] as const;
const three = rosterOfBoots([a, b, c]);
const five = rosterOfBoots([a, b, c, d, e]);

const holds = (entries: readonly Entry[]): { last: Position } => ({ last: lastOf(entries) });
const startOf = (boots: readonly Boot[]) =>
  ({ kind: "term-start", roster: rosterOfBoots(boots), cold: false }) as const;

const first = chain([[1, startOf([a, b, c, d, e])]]);
/** Of term 1, and longer than `later`. */
const longer = [
  ...first,
  ...chain(
    [
      [1, command(1)],
      [1, command(2)],
      [1, command(3)],
    ],
    lastOf(first),
  ),
];
/** Begins like the others, and has entries of term 2. */
const later = [
  ...first,
  ...chain(
    [
      [2, startOf([a, b, c, d, e])],
      [2, command(4)],
    ],
    lastOf(first),
  ),
];
const view3 = viewOf(five, 3, a);

/** A leader of term 3 among five, which holds `longer` but for its last entry; one is committed. */
function gatheringIn3(): Replica {
  const before = viewOf(five, 1, b);
  const word = appendOf(before, { entries: longer.slice(0, 3), commitIndex: 1 });
  const followed = takeAll(registered(a, before, [b, c, d, e]), [hear(b, word), see(view3)]);
  return synced(followed.replica).replica;
}

const kindOf = ({ message }: Send) => message.kind;
const fetched = (after: readonly Entry[], ...entries: readonly Entry[]) =>
  ({ kind: "fetched", term: view3.term, after: lastOf(after), entries }) as const;

test("4.9 the later last term makes a log greater than a longer one of an earlier term", () => {
  const { effects } = takeAll(gatheringIn3(), [
    hear(b, promiseOf(view3, holds(longer))),
    hear(c, promiseOf(view3, holds(later))),
  ]);
  const [sent] = ofKind(effects, "send").filter(({ message }) => message.kind === "fetch");
  expect(sent?.to).toEqual(c);
});

test("4.9 of logs with the same last term the longer one is greater", () => {
  const { effects } = takeAll(gatheringIn3(), [
    hear(c, promiseOf(view3, holds(longer.slice(0, 2)))),
    hear(b, promiseOf(view3, holds(longer))),
  ]);
  expect(messagesOf(effects, "fetch", b)).toHaveLength(1);
});

test("4.9 the leader fetches from its own commit index on, beside its own log", () => {
  const asked = takeAll(gatheringIn3(), [
    hear(b, promiseOf(view3, holds(longer))),
    hear(c, promiseOf(view3, holds(later))),
  ]);
  expect(messagesOf(asked.effects, "fetch", c)).toEqual([
    { kind: "fetch", term: 3, after: lastOf(first) },
  ]);
  const half = step(asked.replica, hear(c, fetched(first, ...later.slice(1, 2))));
  expect(messagesOf(half.effects, "fetch", c)).toMatchObject([
    { after: lastOf(later.slice(0, 2)) },
  ]);
  expect(half.replica.log.last).toEqual(lastOf(longer.slice(0, 3)));

  const all = step(half.replica, hear(c, fetched(later.slice(0, 2), ...later.slice(2))));
  expect(all.replica.office?.stage).toBe("starting");
  expect(all.replica.log.shared.slice(0, 3)).toEqual(later);
});

test("4.9 what its holder has compacted is fetched from what the leader holds, though it knew less to be committed", () => {
  const asked = takeAll(gatheringIn3(), [
    hear(b, promiseOf(view3, { ...holds(longer), commitIndex: 3 })),
    hear(c, promiseOf(view3, holds(first))),
  ]).replica;
  const failed = step(asked, hear(b, { kind: "fetch-failed", term: term(3) }));
  expect(messagesOf(failed.effects, "fetch", b)).toMatchObject([
    { after: lastOf(longer.slice(0, 3)) },
  ]);
  const all = step(failed.replica, hear(b, fetched(longer.slice(0, 3), ...longer.slice(3))));
  expect(all.replica.office?.stage).toBe("starting");
  expect(all.replica.log.shared.slice(0, 4)).toEqual(longer);

  const again = step(failed.replica, hear(b, { kind: "fetch-failed", term: term(3) })).replica;
  expect(again.office).toMatchObject({ stage: "gathering", setAside: new Map([[b.bootKey, 0]]) });
});

test("4.9 nothing is fetched when the leader's own log is the greatest", () => {
  const { replica, effects } = takeAll(gatheringIn3(), [
    hear(b, promiseOf(view3, holds(first))),
    hear(c, promiseOf(view3, holds(longer.slice(0, 2)))),
  ]);
  expect(messagesOf(effects, "fetch")).toEqual([]);
  expect(replica.log.shared.slice(0, 3)).toEqual(longer.slice(0, 3));
  expect(replica.office?.stage).toBe("starting");
});

/** It asked C for the greatest log, with the promises of itself, B and C. */
const fetching = () =>
  takeAll(gatheringIn3(), [
    hear(b, promiseOf(view3, holds(longer.slice(0, 2)))),
    hear(c, promiseOf(view3, holds(later))),
  ]).replica;

test.each([
  {
    when: "its holder does not have it any more",
    input: hear(c, { kind: "fetch-failed", term: term(3) }),
  },
  { when: "its holder cannot be reached", input: { kind: "disconnected", boot: c } as const },
  { when: "its holder does not answer", input: tick(1_001) },
  { when: "what comes is another log", input: hear(c, fetched(first, ...longer.slice(1, 3))) },
])("4.10 a log is set aside when $when", ({ input }) => {
  const failed = step(fetching(), input).replica;
  expect(failed.office?.stage).toBe("gathering");
  const enough = step(failed, hear(d, promiseOf(view3, holds(first)))).replica;
  expect(enough.office?.stage).toBe("starting");
  expect(enough.log.shared.slice(0, 3)).toEqual(longer.slice(0, 3));
});

test("4.10 a promise whose log was set aside makes no quorum any more", () => {
  const failed = step(fetching(), hear(c, { kind: "fetch-failed", term: term(3) })).replica;
  const again = step(failed, hear(c, promiseOf(view3, holds(later)))).replica;
  expect(again.office?.stage).toBe("gathering");
  expect(again.log.last).toEqual(lastOf(longer.slice(0, 3)));
});

test("4.10 after four suspicion times a log that was set aside is tried again", () => {
  const failed = step(fetching(), { kind: "disconnected", boot: c }).replica;
  expect(ofKind(takeAll(failed, [tick(3_900)]).effects, "send").map(kindOf)).not.toContain("fetch");
  const again = takeAll(failed, [tick(3_900), tick(4_000)]);
  expect(messagesOf(again.effects, "fetch", c)).toHaveLength(1);
});

const begun = chain([[1, startOf([a, b, c])]]);
const rejoined = [...begun, ...chain([[1, { kind: "rejoin", ...b2 }]], lastOf(begun))];
const view2 = viewOf(three, 2, a);

test("4.13 the leader's own suffix stays until the promises prove valid", () => {
  const own = [...rejoined, ...chain([[1, command(9)]], lastOf(rejoined))];
  const leader = restarted(a2, { entries: own }, view2, [b, c, b2]);
  const stale = takeAll(leader, [
    hear(b, promiseOf(view2, holds(begun))),
    hear(c, promiseOf(view2, holds(rejoined))),
  ]);
  expect(stale.replica.log.last).toEqual(lastOf(own));
  expect(ofKind(stale.effects, "persist")).toEqual([]);

  const valid = step(stale.replica, hear(b2, promiseOf(view2, holds(rejoined))));
  expect(valid.replica.office?.stage).toBe("starting");
  expect(ofKind(valid.effects, "persist").flatMap(({ writes }) => writes)).toMatchObject([
    { kind: "entries", after: 2, entries: [] },
    { kind: "entries", after: 2, entries: [{ body: { kind: "term-start" } }] },
  ]);
});

test("4.13 a fetched log does not join the leader's own until the promises prove valid", () => {
  const own = [...begun, ...chain([[1, command(9)]], lastOf(begun))];
  const leader = restarted(a2, { entries: own }, view2, [b, c, b2]);
  const more = [...rejoined, ...chain([[1, command(8)]], lastOf(rejoined))];
  const stale = takeAll(leader, [
    hear(b, promiseOf(view2, holds(begun))),
    hear(c, promiseOf(view2, holds(more))),
    hear(c, { kind: "fetched", term: term(2), after: origin, entries: more }),
  ]);
  expect(stale.replica.log.last).toEqual(lastOf(own));
  const valid = step(stale.replica, hear(b2, promiseOf(view2, holds(begun)))).replica;
  expect(valid.log.shared.slice(0, 3)).toEqual(more);
});

test("4.13 fetched entries replace the leader's own from the first real conflict on", () => {
  const { replica, effects } = step(fetching(), hear(c, fetched(first, ...later.slice(1))));
  const [write] = ofKind(effects, "persist").flatMap(({ writes }) => writes);
  expect(write).toEqual({ kind: "entries", after: 1, entries: later.slice(1) });
  expect(replica.log.shared.slice(0, 3)).toEqual(later);

  const same = [...longer.slice(0, 3), ...chain([[1, command(7)]], lastOf(longer.slice(0, 3)))];
  const kept = takeAll(gatheringIn3(), [
    hear(b, promiseOf(view3, holds(same))),
    hear(c, promiseOf(view3, holds(first))),
    hear(b, fetched(first, ...same.slice(1))),
  ]);
  const [added] = ofKind(kept.effects, "persist").flatMap(({ writes }) => writes);
  expect(added).toEqual({ kind: "entries", after: 3, entries: same.slice(3) });
});
