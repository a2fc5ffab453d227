/** protocol.md, 10.12 and 10.13: offices that are taken only to be given up. */
import { expect, test } from "vitest";
import type { Entry } from "../../../../node/src/consensus/entry.ts";
import { type Boot, term } from "../../../../node/src/consensus/ids.ts";
import { origin } from "../../../../node/src/consensus/log.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import {
  bootOf,
  chain,
  command,
  hear,
  lastOf,
  messagesOf,
  ofKind,
  prepareOf,
  promiseOf,
  registered,
  reportOf,
  restarted,
  rosterOfBoots,
  see,
  synced,
  takeAll,
  tick,
  viewOf,
} from "../support.ts";

const [a, b, c, d] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3)] as const;
const roster = rosterOfBoots([a, b, c]);

test("10.12 named for an earlier term than its promise, a replica is barred, and asks for its end", () => {
  const fifth = viewOf(roster, 5, b);
  const bound = takeAll(registered(a, fifth, [b, c]), [hear(b, prepareOf(fifth))]).replica;
  const named = step(bound, see(viewOf(roster, 4, a)));
  expect(named.replica.office).toMatchObject({ term: 4, stage: "barred" });
  expect(messagesOf(named.effects, "prepare")).toEqual([]);
  const waited = takeAll(named.replica, [tick(900), hear(c, reportOf(4)), tick(1_000)]);
  expect(ofKind(waited.effects, "hand-over")).toEqual([
    { kind: "hand-over", term: 4, successor: c.member },
  ]);
});

test.each([
  { who: "it is the only member", members: [a] },
  { who: "every other member is revoked", members: [a, b] },
])("10.12 where $who, it asks for a cold start instead", ({ members }) => {
  const shown = viewOf(rosterOfBoots(members), 4, a);
  const promised = { term: term(6), leaderBootKey: b.bootKey, rosterHash: shown.roster.hash };
  // The chain has shown term 6, and took it back.
  const bound = registered(a, { ...shown, term: term(6), leader: b.member }, [b, c]);
  const revoked = members.filter((one) => one !== a).map(({ member }) => member);
  const { effects } = takeAll({ ...bound, promised }, [
    see({ ...shown, revoked }),
    hear(b, reportOf(4)),
    tick(500),
  ]);
  expect(ofKind(effects, "hand-over")).toEqual([]);
  expect(ofKind(effects, "cold-start")).toMatchObject([{ term: 4 }]);
});

test("10.12 that a revoked member holds more does not keep it from that", () => {
  const shown = { ...viewOf(rosterOfBoots([a, b]), 4, a), coldTerm: term(4) };
  const promised = { term: term(6), leaderBootKey: b.bootKey, rosterHash: shown.roster.hash };
  const bound = registered(a, { ...shown, term: term(6), leader: b.member }, [b]);
  const askedWith = (revoked: readonly Boot[]) =>
    takeAll({ ...bound, promised }, [
      see({ ...shown, revoked: revoked.map(({ member }) => member) }),
      tick(1_900),
      hear(b, reportOf(4, { last: lastOf(short) })),
      tick(2_000),
    ]).effects.map(({ kind }) => kind);
  expect(askedWith([b])).toContain("cold-start");
  expect(askedWith([])).toContain("hand-over");
});

test("10.12 so it does for a term before the one that it was gathering promises for", () => {
  const misled = registered(a, viewOf(roster, 6, a), [b, c]);
  expect(misled.office).toMatchObject({ term: 6, stage: "gathering" });
  const named = step(misled, see(viewOf(roster, 4, a))).replica;
  expect(named.office).toMatchObject({ term: 4, stage: "barred" });
});

const five = rosterOfBoots([a, b, c, d, bootOf(4)]);
const short = chain([[1, { kind: "term-start", roster: five, cold: false }]]);
const long: readonly Entry[] = [...short, ...chain([[1, command(1)]], lastOf(short))];

test("10.13 where a promised log could not be fetched, its holder is the successor, whatever its status", () => {
  const second = viewOf(five, 2, a);
  const leader = synced(restarted(bootOf(0, 2), { entries: short }, second, [b, c, d])).replica;
  const fetching = takeAll(leader, [
    hear(b, promiseOf(second, { last: lastOf(short) })),
    hear(d, promiseOf(second, { last: lastOf(short) })),
    hear(c, promiseOf(second, { last: lastOf(long) })),
  ]).replica;
  expect(fetching.office).toMatchObject({ stage: "fetching", fetch: { from: c } });
  const failed = step(fetching, hear(c, { kind: "fetch-failed", term: term(2) })).replica;
  expect(failed.office?.stage).toBe("gathering");
  const reported = takeAll(failed, [
    tick(1_900),
    hear(b, reportOf(2, { last: lastOf(short) })),
    hear(d, reportOf(2, { last: origin })),
    hear(c, reportOf(2, { status: "recovering", last: lastOf(long) })),
  ]).replica;
  expect(ofKind(step(reported, tick(2_000)).effects, "hand-over")).toEqual([
    { kind: "hand-over", term: 2, successor: c.member },
  ]);
});
