/**
 * Members' signatures over checkpoints, and what a quorum of them is good for: certificates,
 * anchors, and evidence against a member that signed two roots for one index.
 */
import {
  type Certificate,
  type Checkpoint,
  isSameCheckpoint,
  type Voucher,
  type Vouching,
} from "./checkpoint.ts";
import type { Effect } from "./effect.ts";
import type { Entry } from "./entry.ts";
import type { Boot, Hash, MemberId } from "./ids.ts";
import { rootOf } from "./merkle.ts";
import type { Vouch } from "./message.ts";
import { isQuorumOfEach } from "./quorum.ts";
import { andThen, emit, type Replica, type Step, stay } from "./replica.ts";
import { memberOf } from "./roster.ts";
import { frontierAt, rememberFrontier } from "./trees.ts";
import type { View } from "./view.ts";

/** Members are at different checkpoints at one moment: a few are kept until a quorum is at one. */
const openMax = 8;
/**
 * Under load checkpoints come faster than is worth a signature each. Members sign the first of each
 * period, by the time that the log notes, so that all sign the same ones; and the last of all.
 */
const periodMs = 250;

/**
 * What a committed checkpoint asks of this replica: to find the same root, and to vouch for it. The
 * state hash is the runtime's to compare, since it is the runtime that applies.
 */
export function onCheckpointsCommitted(replica: Replica, entries: readonly Entry[]): Step {
  let step = stay(replica);
  for (const { body, timeMs } of entries) {
    if (body.kind !== "checkpoint") continue;
    step = andThen(step, (known) => checkRoot(known, body.checkpoint, timeMs));
  }
  return step;
}

function checkRoot(replica: Replica, checkpoint: Checkpoint, timeMs: number): Step {
  const frontier = frontierAt(replica, checkpoint.index);
  // Its log begins after the checkpoint: a snapshot brought it here.
  if (frontier === null) return stay(replica);
  const root = rootOf(frontier, replica.setup.treeHash);
  if (root !== checkpoint.logRoot) return emit(replica, halt(checkpoint, root));
  const { vouched, nowMs } = replica;
  const period = Math.floor(timeMs / periodMs);
  const unsigned = { checkpoint, sinceMs: nowMs };
  const known = rememberFrontier(
    { ...replica, vouched: { ...vouched, unsigned, period } },
    frontier,
  );
  return period === vouched.period ? stay(known) : sign(known);
}

function halt({ index, logRoot }: Checkpoint, own: Hash | null): Effect {
  return {
    kind: "halt",
    reason: "invariant",
    detail:
      `the checkpoint at index ${index} says that the log's root is ${logRoot}, ` +
      `by this replica's log it is ${own}: the two logs differ`,
  };
}

/**
 * Signs what is committed and found right: only as a member, and only for the cold term that the
 * contract shows for good. A cold start that the chain takes back could otherwise be followed by
 * another of the same term, with another log.
 */
function sign(replica: Replica): Step {
  const { vouched, view, setup } = replica;
  const checkpoint = vouched.unsigned?.checkpoint;
  if (checkpoint === undefined || view === null || !view.settled) return stay(replica);
  if (view.coldTerm !== checkpoint.coldTerm) return stay(replica);
  if (memberOf(view.roster, setup.self.member) === undefined) return stay(replica);
  return emit(
    { ...replica, vouched: { ...vouched, unsigned: null } },
    { kind: "sign-checkpoint", checkpoint },
  );
}

export function onCheckpointSigned(replica: Replica, voucher: Voucher): Step {
  const { nowMs, setup } = replica;
  const vouched = { ...replica.vouched, own: voucher, toldMs: nowMs };
  const signed = takeVoucher({ ...replica, vouched }, setup.self.member, voucher);
  return andThen(signed, (known) => emit(known, ...toConnected(known, voucher, false)));
}

export function onVouch(replica: Replica, from: Boot, vouch: Vouch): Step {
  const { checkpoint, signature, wanting } = vouch;
  const { own } = replica.vouched;
  const helps = wanting && own !== null && !isLater(checkpoint, own.checkpoint);
  return andThen(takeVoucher(replica, from.member, { checkpoint, signature }), (taken) =>
    helps ? emit(taken, vouchTo(from, own, false)) : stay(taken),
  );
}

export function vouchTick(replica: Replica): Step {
  const { vouched, nowMs } = replica;
  const isLate = vouched.unsigned !== null && nowMs - vouched.unsigned.sinceMs >= periodMs;
  return andThen(isLate ? sign(replica) : stay(replica), tellAgain);
}

/** A voucher is repeated until its checkpoint is certified here: channels come and go. */
function tellAgain(replica: Replica): Step {
  const { vouched, nowMs, setup } = replica;
  const { own, certificate, toldMs } = vouched;
  if (own === null) return stay(replica);
  if (certificate !== null && !isLater(own.checkpoint, certificate.checkpoint))
    return stay(replica);
  if (nowMs - toldMs < setup.suspectAfterMs) return stay(replica);
  const told = { ...replica, vouched: { ...vouched, toldMs: nowMs } };
  return emit(told, ...toConnected(told, own, true));
}

/** A leader's: puts the newest certificate on-chain, every so often. */
export function anchorTick(replica: Replica): Step {
  const { office, view, vouched, setup, nowMs } = replica;
  const { certificate, anchoredMs } = vouched;
  if (setup.anchorEveryMs === null || view === null || certificate === null) return stay(replica);
  if (office?.stage !== "active" || nowMs - anchoredMs < setup.anchorEveryMs) return stay(replica);
  const { index, coldTerm } = certificate.checkpoint;
  if (coldTerm !== view.coldTerm || index <= (view.anchor?.index ?? 0)) return stay(replica);
  return emit(
    { ...replica, vouched: { ...vouched, anchoredMs: nowMs } },
    { kind: "anchor", term: office.term, ...certificate },
  );
}

/** To be called with a view whose anchor may have moved. */
export function noteAnchor(replica: Replica, view: View): Replica {
  const moved = replica.view?.anchor?.index !== view.anchor?.index;
  if (!moved) return replica;
  return { ...replica, vouched: { ...replica.vouched, anchoredMs: replica.nowMs } };
}

function takeVoucher(replica: Replica, member: MemberId, voucher: Voucher): Step {
  const { vouched } = replica;
  const { checkpoint, signature } = voucher;
  const contradicted = vouched.open.find(
    (other) => other.signatures.has(member) && contradicts(other.checkpoint, checkpoint),
  );
  const known = vouched.open.find((other) => isSameCheckpoint(other.checkpoint, checkpoint));
  if (known?.signatures.has(member) === true) return stay(replica);
  const signatures = new Map(known?.signatures).set(member, signature);
  const open = [...vouched.open.filter((other) => other !== known), { checkpoint, signatures }]
    .sort((a, b) => (isLater(a.checkpoint, b.checkpoint) ? 1 : -1))
    .slice(-openMax);
  const taken = certify({ ...replica, vouched: { ...vouched, open } }, checkpoint, signatures);
  return contradicted === undefined
    ? stay(taken)
    : emit(taken, ...evidence(taken, member, [contradicted, { checkpoint, signatures }]));
}

function isLater(a: Checkpoint, b: Checkpoint): boolean {
  return a.coldTerm > b.coldTerm || (a.coldTerm === b.coldTerm && a.index > b.index);
}

/** As the contract judges it: the state hash alone does not convict. */
function contradicts(a: Checkpoint, b: Checkpoint): boolean {
  return a.coldTerm === b.coldTerm && a.index === b.index && a.logRoot !== b.logRoot;
}

function certify(
  replica: Replica,
  checkpoint: Checkpoint,
  signatures: ReadonlyMap<MemberId, string>,
): Replica {
  const { view, vouched } = replica;
  const { certificate: known } = vouched;
  // More signatures for the same one are welcome: a broken member's may be among the first.
  if (view === null || (known !== null && isLater(known.checkpoint, checkpoint))) return replica;
  const { members } = view.roster;
  const counted = members.filter(({ id }) => signatures.has(id) && !view.revoked.includes(id));
  if (!isQuorumOfEach([view.roster], new Set(counted.map(({ id }) => id)))) return replica;
  const certificate: Certificate = {
    checkpoint,
    signatures: counted.map(({ id }) => ({ member: id, signature: signatures.get(id) ?? "" })),
  };
  return { ...replica, vouched: { ...vouched, certificate } };
}

/** One member reports: the leader; or, if it is the culprit, the first of the others. */
function evidence(
  { view, setup }: Replica,
  member: MemberId,
  pair: readonly [Vouching, Vouching],
): readonly Effect[] {
  if (view === null) return [];
  const others = view.roster.members.filter(({ id }) => id !== member);
  const reporter = others.find(({ id }) => id === view.leader) ?? others[0];
  if (reporter?.id !== setup.self.member) return [];
  const [a, b] = pair.map(({ checkpoint, signatures }) => ({
    checkpoint,
    signature: signatures.get(member) ?? "",
  }));
  if (a === undefined || b === undefined) return [];
  return [{ kind: "report-equivocation", term: view.term, member, vouchers: [a, b] }];
}

function toConnected({ peers }: Replica, voucher: Voucher, wanting: boolean): readonly Effect[] {
  return [...peers.values()]
    .filter(({ connected }) => connected)
    .map(({ boot }) => vouchTo(boot, voucher, wanting));
}

/** Nothing that is not committed depends on it, so it need not wait for the disk. */
export function vouchTo(to: Boot, voucher: Voucher, wanting: boolean): Effect {
  return { kind: "send", to, message: { kind: "vouch", wanting, ...voucher }, after: "now" };
}
