/** protocol.md, 12.7, 12.9 and 12.10: what a quorum's signatures are good for. */
import { expect, test } from "vitest";
import type { Checkpoint } from "../../../../node/src/consensus/checkpoint.ts";
import { type Boot, hash, term } from "../../../../node/src/consensus/ids.ts";
import type { Replica } from "../../../../node/src/consensus/replica.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import {
  bootOf,
  connect,
  hear,
  messagesOf,
  ofKind,
  registered,
  rosterOfBoots,
  see,
  takeAll,
  tick,
  viewOf,
} from "../support.ts";
import { type Cluster, serving } from "./cluster.ts";

const [a, b, c, d] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3)] as const;
const view = viewOf(rosterOfBoots([a, b, c]), 1, a);
const checkpointAt = (index: number, changes: Partial<Checkpoint> = {}): Checkpoint => ({
  coldTerm: term(0),
  index,
  logRoot: hash("1a".repeat(32)),
  stateHash: hash("5a".repeat(32)),
  ...changes,
});
const checkpoint = checkpointAt(7);
const signatureOf = ({ member }: Boot) => `0x${member.slice(2, 4)}`;

const vouch = (from: Boot, of: Checkpoint = checkpoint, wanting = false) =>
  hear(from, { kind: "vouch", wanting, checkpoint: of, signature: signatureOf(from) });
const own = (self: Boot, of: Checkpoint = checkpoint) => {
  const voucher = { checkpoint: of, signature: signatureOf(self) };
  return { kind: "checkpoint-signed", voucher } as const;
};
const certificateOf = ({ vouched }: Replica) => vouched.certificate;
const member = registered(b, view, [a, c]);

test("12.7 a quorum of the roster's signatures is the certificate, in slot order", () => {
  const alone = takeAll(member, [own(b)]).replica;
  expect(certificateOf(alone)).toBeNull();
  expect(certificateOf(step(alone, vouch(a)).replica)).toEqual({
    checkpoint,
    signatures: [a, b].map((one) => ({ member: one.member, signature: signatureOf(one) })),
  });
});

test("12.7 signatures for different checkpoints, of non-members and of the revoked do not add up", () => {
  const revoking = step(member, see({ ...view, revoked: [c.member] })).replica;
  const apart = [own(b), vouch(a, checkpointAt(8)), vouch(d), vouch(c)];
  expect(certificateOf(takeAll(revoking, apart).replica)).toBeNull();
  const otherState = checkpointAt(7, { stateHash: hash("5b".repeat(32)) });
  expect(certificateOf(takeAll(member, [own(b), vouch(a, otherState)]).replica)).toBeNull();
});

test("12.7 a newer certificate replaces an older one, and none the other way", () => {
  const older = takeAll(member, [own(b), vouch(a)]).replica;
  const newer = takeAll(older, [vouch(a, checkpointAt(9)), vouch(c, checkpointAt(9))]).replica;
  expect(certificateOf(newer)?.checkpoint.index).toBe(9);
  const late = takeAll(newer, [vouch(a, checkpointAt(8)), vouch(c, checkpointAt(8))]).replica;
  expect(certificateOf(late)?.checkpoint.index).toBe(9);
});

test("12.7 a member that lacks a certificate repeats its own signature", () => {
  const alone = takeAll(member, [own(b)]).replica;
  expect(messagesOf(step(alone, tick(999)).effects, "vouch")).toEqual([]);
  const again = step(alone, tick(1_000));
  const said = { kind: "vouch", wanting: true, checkpoint, signature: signatureOf(b) };
  expect(messagesOf(again.effects, "vouch", a)).toEqual([said]);
  expect(messagesOf(again.effects, "vouch", c)).toEqual([said]);

  const certified = step(again.replica, vouch(c)).replica;
  expect(messagesOf(step(certified, tick(5_000)).effects, "vouch")).toEqual([]);
});

test("12.7 a member that has a certificate answers with its own signature", () => {
  const certified = takeAll(member, [own(b), vouch(a)]).replica;
  const asked = step(certified, vouch(c, checkpoint, true));
  expect(messagesOf(asked.effects, "vouch", c)).toEqual([
    { kind: "vouch", wanting: false, checkpoint, signature: signatureOf(b) },
  ]);
  expect(messagesOf(step(certified, vouch(c)).effects, "vouch")).toEqual([]);
});

test("12.7 a boot that becomes reachable is told the newest signature", () => {
  const alone = takeAll(member, [own(b)]).replica;
  expect(messagesOf(takeAll(alone, connect(d)).effects, "vouch", d)).toHaveLength(1);
});

/** An active leader that has a certificate for index 7, and puts anchors on-chain every 2 s. */
function certified(anchorEveryMs: number | null): Cluster {
  const cluster = serving([a, b, c], { anchorEveryMs });
  cluster.take(a, own(a), vouch(b));
  cluster.take(b, own(b), vouch(a));
  return cluster;
}
const anchors = (cluster: Cluster, by: Boot) =>
  ofKind(cluster.effects(by), "anchor").map((anchor) => anchor.checkpoint.index);

test("12.9 the leader puts its newest certificate on-chain, every so often", () => {
  const cluster = certified(2_000);
  cluster.pass(1_900);
  expect(anchors(cluster, a)).toEqual([]);
  cluster.pass(100);
  expect(ofKind(cluster.effects(a), "anchor")).toEqual([
    { kind: "anchor", term: 1, ...cluster.replica(a).vouched.certificate },
  ]);
  cluster.take(a, own(a, checkpointAt(9)), vouch(b, checkpointAt(9)));
  cluster.pass(1_900);
  expect(anchors(cluster, a)).toEqual([7]);
  cluster.pass(100);
  expect(anchors(cluster, a)).toEqual([7, 9]);
  expect(anchors(cluster, b)).toEqual([]);
});

test("12.9 by default nothing is anchored", () => {
  const cluster = certified(null);
  cluster.pass(20_000);
  expect(anchors(cluster, a)).toEqual([]);
});

test.each([
  { why: "is there already", change: { anchor: { ...checkpoint } } },
  { why: "is of another cold term", change: { coldTerm: term(1) } },
])("12.9 a certificate that $why is not anchored", ({ change }) => {
  const cluster = certified(2_000);
  cluster.show({ ...view, ...change }, a);
  cluster.pass(10_000);
  expect(anchors(cluster, a)).toEqual([]);
});

const forked = checkpointAt(7, { logRoot: hash("1b".repeat(32)) });
const reports = (self: Boot, culprit: Boot, of: Checkpoint) => {
  const others = [a, b, c].filter((one) => one !== self);
  const judge = registered(self, view, others);
  const { effects } = takeAll(judge, [vouch(culprit), vouch(culprit, of)]);
  return ofKind(effects, "report-equivocation");
};

test("12.10 two roots under one signature are evidence, which the leader brings", () => {
  const signature = signatureOf(c);
  expect(reports(a, c, forked)).toEqual([
    {
      kind: "report-equivocation",
      term: 1,
      member: c.member,
      vouchers: [
        { checkpoint, signature },
        { checkpoint: forked, signature },
      ],
    },
  ]);
  expect(reports(b, c, forked)).toEqual([]);
});

test("12.10 against the leader, the first of the others brings it", () => {
  expect(reports(b, a, forked)).toHaveLength(1);
  expect(reports(c, a, forked)).toEqual([]);
});

test.each([
  { differ: "in index", other: { ...forked, index: 8 } },
  { differ: "in cold term", other: { ...forked, coldTerm: term(1) } },
  { differ: "in the state alone", other: checkpointAt(7, { stateHash: hash("5b".repeat(32)) }) },
])("12.10 checkpoints that differ $differ are no evidence", ({ other }) => {
  expect(reports(a, c, other)).toEqual([]);
});

test("12.10 two roots under different members' signatures are no evidence", () => {
  const judge = registered(a, view, [b, c]);
  const { effects } = takeAll(judge, [vouch(c), vouch(b, forked)]);
  expect(ofKind(effects, "report-equivocation")).toEqual([]);
});
