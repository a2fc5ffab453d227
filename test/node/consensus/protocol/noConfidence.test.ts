/** protocol.md, 10.4 to 10.8: votes of no confidence, and whom they name. */
import { expect, test } from "vitest";
import { type Boot, term } from "../../../../node/src/consensus/ids.ts";
import type { Input } from "../../../../node/src/consensus/input.ts";
import { origin } from "../../../../node/src/consensus/log.ts";
import type { Replica } from "../../../../node/src/consensus/replica.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import type { View } from "../../../../node/src/consensus/view.ts";
import {
  appendOf,
  bootOf,
  hear,
  messagesOf,
  ofKind,
  registered,
  reportOf,
  restarted,
  rosterOfBoots,
  takeAll,
  tick,
  viewOf,
  voteOf,
  wallMsAt,
} from "../support.ts";

const [a, b, c, d, e] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3), bootOf(4)] as const;
const five = rosterOfBoots([a, b, c, d, e]);
const view = viewOf(five, 1, a);
const seconds = wallMsAt(0) / 1_000;
const deadline = seconds + 100;

type Word = readonly [Boot, Parameters<typeof reportOf>[1]];

/** The vote of this member, normal itself, after the leader fell silent and these reports came. */
function voteBy(self: Boot, reports: readonly Word[], change: Partial<View> = {}) {
  const seen = { ...view, ...change };
  const member = step(registered(self, seen, [a, b, c, d, e]), hear(a, appendOf(seen))).replica;
  const heard = reports.map(([from, said]) => hear(from, reportOf(1, said)));
  const { effects } = takeAll(member, [tick(900), ...heard, tick(1_001)]);
  return ofKind(effects, "sign-vote")[0];
}
const successorBy = (...args: Parameters<typeof voteBy>) => voteBy(...args)?.successor;
const at = (inTerm: number, index: number) => ({ ...origin, term: term(inTerm), index });

/** A member that lost its confidence in A, at 2001 ms of its boot. */
const doubting = (self: Boot): Replica =>
  takeAll(
    registered(
      self,
      view,
      [a, b, c, d, e].filter((one) => one !== self),
    ),
    [tick(2_001)],
  ).replica;

const signed = (vote: ReturnType<typeof voteOf>) => ({ kind: "vote-signed", vote }) as const;

test("10.4 a suspecting member signs a vote, and sends it to its peers", () => {
  const doubted = takeAll(registered(b, view, [a, c, d]), [tick(2_001)]);
  const [asked] = ofKind(doubted.effects, "sign-vote");
  expect(asked).toMatchObject({ term: 1, successor: b.member });
  const vote = voteOf(1, b, asked?.deadline ?? 0, { signature: "0xab" });
  const { effects } = step(doubted.replica, signed(vote));
  for (const peer of [a, c, d]) expect(messagesOf(effects, "no-confidence", peer)).toEqual([vote]);
});

test("10.4 recovering members vote too", () => {
  const b2 = bootOf(1, 2);
  const { replica, effects } = takeAll(restarted(b2, {}, view, [a, c]), [tick(2_001)]);
  expect(replica.status).toBe("recovering");
  expect(ofKind(effects, "sign-vote")).toHaveLength(1);
});

test("10.4 a vote is repeated while the doubt lasts", () => {
  const voted = step(doubting(b), signed(voteOf(1, b, deadline))).replica;
  expect(messagesOf(takeAll(voted, [tick(2_400)]).effects, "no-confidence")).toEqual([]);
  expect(messagesOf(takeAll(voted, [tick(2_501)]).effects, "no-confidence", c)).toHaveLength(1);
});

test("10.4 a vote that is not repeated any more is void", () => {
  const vote = hear(c, voteOf(1, b, deadline));
  const told = takeAll(registered(b, view, [a, c, d, e]), [tick(100), vote]).replica;
  const votesAfter = (...inputs: readonly Input[]) => [
    ...takeAll(told, inputs).replica.doubt.votes.keys(),
  ];
  expect(votesAfter(tick(1_600))).toEqual([c.member]);
  expect(votesAfter(tick(1_601))).toEqual([]);
  expect(votesAfter(tick(1_400), vote, tick(2_900))).toEqual([c.member]);
  // This replica's own stands as long as its doubt.
  const voted = step(doubting(b), signed(voteOf(1, b, deadline))).replica;
  const later = takeAll(voted, [tick(4_000)]).replica;
  expect([...later.doubt.votes.keys()]).toEqual([b.member]);
});

test("10.5 the successor is never the leader, nor one that was revoked", () => {
  const words: readonly Word[] = [
    [a, { last: at(9, 9) }],
    [c, { last: at(8, 8) }],
    [d, { last: at(7, 7) }],
  ];
  expect(successorBy(b, words, { revoked: [c.member] })).toBe(d.member);
});

test("10.5 the successor was heard from lately", () => {
  const member = step(
    registered(b, view, [c, d]),
    hear(c, reportOf(1, { last: at(9, 9) })),
  ).replica;
  expect(ofKind(takeAll(member, [tick(2_001)]).effects, "sign-vote")).toMatchObject([
    { successor: b.member },
  ]);
  const heard = takeAll(member, [tick(100), hear(c, reportOf(1, { last: at(9, 9) })), tick(2_001)]);
  expect(ofKind(heard.effects, "sign-vote")).toMatchObject([{ successor: c.member }]);
});

test("10.5 who stays comes before who asked to leave", () => {
  const words: readonly Word[] = [
    [c, { last: at(9, 9) }],
    [d, { status: "recovering" }],
  ];
  const departing = [b.member, c.member];
  expect(successorBy(b, words, { departing })).toBe(d.member);
});

test("10.5 then a normal boot comes before a recovering one", () => {
  const words: readonly Word[] = [
    [c, { status: "recovering", last: at(9, 9) }],
    [d, { last: at(1, 1) }],
  ];
  expect(successorBy(b, words)).toBe(d.member);
});

test("10.5 then the greatest log counts, the last term first", () => {
  const words: readonly Word[] = [
    [c, { last: at(1, 9) }],
    [d, { last: at(2, 3) }],
    [e, { last: at(2, 2) }],
  ];
  expect(successorBy(b, words)).toBe(d.member);
});

test("10.5 then the lowest slot", () => {
  const words: readonly Word[] = [
    [e, { last: at(1, 1) }],
    [d, { last: at(1, 1) }],
  ];
  expect(successorBy(b, words)).toBe(d.member);
  expect(successorBy(c, [[b, {}]])).toBe(b.member);
});

test("10.6 deadlines are rounded to the minute, so that votes signed apart still add up", () => {
  const deadlineAt = (ms: number) => {
    const member = registered(b, view, [a, c]);
    return ofKind(takeAll(member, [tick(ms)]).effects, "sign-vote")[0]?.deadline ?? 0;
  };
  const first = deadlineAt(2_001);
  expect(first % 60).toBe(0);
  expect(first).toBeGreaterThanOrEqual(seconds + 2 + 20);
  expect(new Set([3_000, 4_000, 5_000].map(deadlineAt))).toEqual(new Set([first]));
});

test("10.6 a peer's deadline for the same successor is taken over when it is as good", () => {
  const after = (vote: ReturnType<typeof voteOf>) => {
    const member = registered(b, view, [a, c]);
    return takeAll(member, [tick(1_000), hear(c, vote), tick(2_001)]);
  };
  const deadlineAfter = (vote: ReturnType<typeof voteOf>) =>
    ofKind(after(vote).effects, "sign-vote")[0]?.deadline;
  const own = deadlineAfter(voteOf(9, b, 0));
  expect(deadlineAfter(voteOf(1, b, seconds + 200))).toBe(seconds + 200);
  expect(deadlineAfter(voteOf(1, b, seconds + 12))).toBe(seconds + 12);
  expect(deadlineAfter(voteOf(1, b, seconds + 11))).toBe(own);
  expect(deadlineAfter(voteOf(1, c, seconds + 200))).toBe(own);
});

test("10.6 a vote with a deadline that is past, or far ahead, is not counted", () => {
  const counted = (of: number) =>
    step(doubting(b), hear(c, voteOf(1, d, of))).replica.doubt.votes.size;
  expect([seconds + 1, seconds + 2, seconds + 302, seconds + 303].map(counted)).toEqual([
    0, 1, 1, 0,
  ]);
});

/** Votes of these members for B have come to `self`, and its own last; all at 2001 ms. */
function agreedAt(self: Boot, voters: readonly Boot[]) {
  const heard = voters.map((from) => hear(from, voteOf(1, b, deadline)));
  return takeAll(doubting(self), [...heard, signed(voteOf(1, b, deadline))]);
}
const submissions = (effects: ReturnType<typeof agreedAt>["effects"]) =>
  ofKind(effects, "submit-no-confidence");

test("10.7 who holds a quorum of votes for one successor and deadline submits it", () => {
  const { effects } = agreedAt(b, [d, c]);
  expect(submissions(effects)).toEqual([
    {
      kind: "submit-no-confidence",
      term: 1,
      successor: b.member,
      deadline,
      signatures: [b, c, d].map(({ member }) => ({ member, signature: "0x00" })),
    },
  ]);
});

test("10.7 votes for different successors or deadlines do not add up", () => {
  const submittedWith = (...others: readonly ReturnType<typeof voteOf>[]) => {
    const heard = [c, d].map((from, at) => hear(from, others[at] ?? voteOf(1, b, deadline)));
    return submissions(takeAll(doubting(b), [...heard, signed(voteOf(1, b, deadline))]).effects);
  };
  expect(submittedWith()).toHaveLength(1);
  const later = voteOf(1, b, deadline + 60);
  expect(submittedWith(later, later)).toEqual([]);
  const another = voteOf(1, c, deadline);
  expect(submittedWith(another, another)).toEqual([]);
});

test("10.7 votes of the revoked, of non-members and of another term do not add up", () => {
  const revoking = takeAll(doubting(b), [
    { kind: "view", view: { ...view, revoked: [c.member] } },
    hear(c, voteOf(1, b, deadline)),
    hear(bootOf(5), voteOf(1, b, deadline)),
    hear(e, voteOf(1, a, deadline)),
    hear(d, voteOf(1, b, deadline)),
  ]).replica;
  expect([...revoking.doubt.votes.keys()]).toEqual([d.member]);
});

test.each([
  { self: b, others: [c, d], turnMs: 0 },
  { self: c, others: [b, d], turnMs: 200 },
  { self: d, others: [b, c], turnMs: 400 },
])(
  "10.7 members submit in slot order, the one here after $turnMs ms",
  ({ self, others, turnMs }) => {
    const agreed = agreedAt(self, others);
    const submitsAfter = (ms: number) =>
      ms === 0 ? agreed.effects : takeAll(agreed.replica, [tick(2_001 + ms)]).effects;
    const times = [0, 199, 200, 399, 400].filter((ms) => submissions(submitsAfter(ms)).length > 0);
    expect(times[0]).toBe(turnMs);
  },
);

test("10.8 without a certificate for VOTE_FALLBACK_MS, a member votes on the chain", () => {
  const voted = step(doubting(b), signed(voteOf(1, c, deadline))).replica;
  const castAt = (ms: number) => ofKind(takeAll(voted, [tick(ms)]).effects, "cast-vote");
  expect(castAt(4_000)).toEqual([]);
  expect(castAt(4_001)).toEqual([
    { kind: "cast-vote", term: 1, successor: c.member, noConfidence: true },
  ]);
});
