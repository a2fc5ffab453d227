/** protocol.md, 10.1 to 10.3 and 10.9: when a member loses confidence in the leader, and regains it. */
import { expect, test } from "vitest";
import { term } from "../../../../node/src/consensus/ids.ts";
import type { Replica } from "../../../../node/src/consensus/replica.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import {
  appendOf,
  bootOf,
  hear,
  messagesOf,
  ofKind,
  registered,
  reportOf,
  rosterOfBoots,
  see,
  takeAll,
  tick,
  viewOf,
  voteOf,
} from "../support.ts";
import { serving } from "./cluster.ts";

const [a, b, c, d] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3)] as const;
const roster = rosterOfBoots([a, b, c]);
const view = viewOf(roster, 1, a);
const following = step(registered(b, view, [a, c]), hear(a, appendOf(view))).replica;

const votesAt = (replica: Replica, ms: number) =>
  ofKind(takeAll(replica, [tick(ms)]).effects, "sign-vote").length;

test("10.1 a member suspects a leader of which it has heard no append for SUSPECT_AFTER_MS", () => {
  expect(votesAt(following, 1_000)).toBe(0);
  expect(votesAt(following, 1_001)).toBe(1);
  const heard = takeAll(following, [tick(600), hear(a, appendOf(view))]).replica;
  expect(votesAt(heard, 1_600)).toBe(0);
  expect(votesAt(heard, 1_601)).toBe(1);
});

test("10.1 other messages of the leader are no sign that it leads", () => {
  const told = takeAll(following, [tick(900), hear(a, reportOf(1))]).replica;
  const more = takeAll(told, [hear(c, reportOf(1))]).replica;
  expect(votesAt(more, 1_001)).toBe(1);
});

/** Term 2, under a leader that sends signs of life but whose term-start is not committed. */
function idleSince(ms: number): Replica {
  const second = viewOf(roster, 2, c);
  return takeAll(following, [tick(ms), see(second)]).replica;
}

test("10.1 a member suspects a leader whose term-start is not committed by then", () => {
  const second = viewOf(roster, 2, c);
  const idle = appendOf(second, { active: false });
  const told = takeAll(idleSince(500), [tick(1_400), hear(c, idle)]).replica;
  expect(votesAt(told, 1_500)).toBe(0);
  expect(votesAt(told, 1_501)).toBe(1);
  const active = step(told, hear(c, appendOf(second))).replica;
  expect(votesAt(active, 1_501)).toBe(0);
});

test("10.1 a leader does not suspect itself, nor a node that is no member anybody", () => {
  const leader = takeAll(registered(a, view, [b, c]), [tick(59_900), hear(b, reportOf(1))]).replica;
  expect(votesAt(leader, 60_000)).toBe(0);
  const stranger = registered(d, view, [a, b, c]);
  const told = takeAll(stranger, [tick(59_900), hear(b, reportOf(1))]).replica;
  expect(votesAt(told, 60_000)).toBe(0);
});

/** So many terms under other leaders have come to nothing, the last of them beginning at 0 ms. */
function afterIdleTerms(count: number): Replica {
  const views = Array.from({ length: count }, (_, at) => viewOf(roster, at + 2, c));
  return takeAll(following, [...views, viewOf(roster, count + 2, c)].map(see)).replica;
}

test("10.2 each term that never became active doubles the patience with the next, up to 32 times", () => {
  const patiences = [0, 1, 2, 3, 5, 6, 9].map((count) => {
    const waiting = afterIdleTerms(count);
    return [1, 2, 4, 8, 16, 32, 64].filter((times) => votesAt(waiting, times * 1_000) === 0).at(-1);
  });
  expect(patiences).toEqual([1, 2, 4, 8, 32, 32, 32]);
});

test("10.2 a term that became active ends the doubling", () => {
  const third = viewOf(roster, 5, a);
  const active = takeAll(afterIdleTerms(2), [see(third), hear(a, appendOf(third))]).replica;
  const next = step(active, see(viewOf(roster, 6, c))).replica;
  expect(votesAt(next, 1_001)).toBe(1);
});

test("10.2 the patience with a leader that is active is not doubled", () => {
  const fifth = viewOf(roster, 7, a);
  const active = takeAll(afterIdleTerms(4), [see(fifth), hear(a, appendOf(fifth))]).replica;
  expect(votesAt(active, 1_001)).toBe(1);
});

test("10.3 a leader that answers while too few members are normal is not suspected", () => {
  const forgot = reportOf(2, { status: "recovering" });
  const waiting = takeAll(idleSince(0), [tick(900), hear(c, forgot), hear(a, forgot)]).replica;
  expect(votesAt(waiting, 1_001)).toBe(0);
  const enough = step(waiting, hear(a, reportOf(2))).replica;
  expect(votesAt(enough, 1_001)).toBe(1);
});

test("10.3 a leader that does not answer is suspected all the same", () => {
  const forgot = reportOf(2, { status: "recovering" });
  const silent = takeAll(idleSince(0), [hear(c, forgot), tick(900), hear(a, forgot)]).replica;
  expect(votesAt(silent, 1_001)).toBe(1);
});

/** B has voted for C, with its peers and, after a while, on the chain. */
function voted(): Replica {
  const doubting = takeAll(following, [tick(1_001)]).replica;
  const vote = voteOf(1, c, 1_700_000_120);
  return step(doubting, { kind: "vote-signed", vote }).replica;
}

test("10.9 a member that hears the leader again takes its vote back from its peers", () => {
  const { replica, effects } = takeAll(voted(), [hear(a, appendOf(view)), tick(1_100)]);
  const withdrawal = { kind: "confidence", term: 1 };
  expect(messagesOf(effects, "confidence", a)).toEqual([withdrawal]);
  expect(messagesOf(effects, "confidence", c)).toEqual([withdrawal]);
  expect(replica.doubt.votes.size).toBe(0);
  expect(ofKind(effects, "cast-vote")).toEqual([]);
});

test("10.9 it withdraws on the chain too what it cast there", () => {
  const cast = takeAll(voted(), [tick(3_100)]);
  expect(ofKind(cast.effects, "cast-vote")).toHaveLength(1);
  const { effects } = takeAll(cast.replica, [hear(a, appendOf(view)), tick(3_200)]);
  expect(ofKind(effects, "cast-vote")).toEqual([
    { kind: "cast-vote", term: 1, successor: c.member, noConfidence: false },
  ]);
});

test("10.9 a vote that was taken back counts no more", () => {
  const deadline = 1_700_000_120;
  const other = registered(c, view, [a, b]);
  const heard = takeAll(other, [tick(2_001), hear(b, voteOf(1, c, deadline))]).replica;
  expect(heard.doubt.votes.has(b.member)).toBe(true);
  const back = step(heard, hear(b, { kind: "confidence", term: term(1) })).replica;
  expect(back.doubt.votes.has(b.member)).toBe(false);
  const own = step(back, { kind: "vote-signed", vote: voteOf(1, b, deadline) });
  expect(ofKind(own.effects, "submit-no-confidence")).toEqual([]);
});

test("10.14 what a member itself missed is no silence of the leader: its patience begins again", () => {
  const back = step(following, tick(5_000)).replica;
  expect(back.doubt.sinceMs).toBeNull();
  // What counts of the gap is a quarter of a suspicion time.
  expect(votesAt(back, 5_750)).toBe(0);
  expect(votesAt(back, 5_751)).toBe(1);
});

test("10.14 nor does a leader that stood still take its members for silent", () => {
  const leads = serving([a, b, c], { removeAfterMs: 3_000 });
  leads.cut(b, c);
  leads.take(a, tick(9_000));
  const asked = leads.effects(a).map(({ kind }) => kind);
  expect(asked).not.toContain("hand-over");
  expect(asked).not.toContain("remove");
  leads.take(a, ...Array.from({ length: 9 }, (_, at) => tick(9_100 + 100 * at)));
  expect(leads.effects(a).map(({ kind }) => kind)).toContain("hand-over");
});
