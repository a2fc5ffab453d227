/**
 * Changes of members, asked for by the leader one at a time (protocol.md, "Changing the members").
 *
 * Safety rests on the joint quorums of step 4b. One at a time, by an active leader, on a roster that
 * the chain will not take back: this keeps every change able to finish.
 */
import type { Effect } from "./effect.ts";
import type { MemberId } from "./ids.ts";
import { isQuorumOfEach, quorumSize } from "./quorum.ts";
import { emit, type Office, type Replica, type Step, stay } from "./replica.ts";
import { validBoot } from "./seats.ts";
import type { View } from "./view.ts";

/** @param inTouch members that count and were heard from lately, this leader included */
export function changeMembers(replica: Replica, inTouch: ReadonlySet<MemberId>): Step {
  const { office, view, nowMs, setup } = replica;
  if (office?.stage !== "active" || view === null || !view.settled) return stay(replica);
  if (view.term !== office.term || view.roster.hash !== office.roster.hash) return stay(replica);
  if (!isQuorumOfEach([view.roster], inTouch)) return stay(replica);
  if (nowMs - office.petitionedMs < setup.suspectAfterMs * 2) return stay(replica);
  const change = removal(replica, view, inTouch) ?? admission(replica, office, view);
  if (change === null) return stay(replica);
  return emit({ ...replica, office: { ...office, petitionedMs: nowMs } }, change);
}

/** True when this leader itself is to go: another one must remove it. */
export function mustLeave({ view, setup, refused }: Replica): boolean {
  const { member, bootKey } = setup.self;
  if (view === null) return false;
  return view.revoked.includes(member) || view.departing.includes(member) || refused.has(bootKey);
}

/**
 * The revoked first, then who asked to go, then those whose boot attestation refuses, then the long
 * silent; never below a quorum in touch.
 */
function removal(replica: Replica, view: View, inTouch: ReadonlySet<MemberId>): Effect | null {
  const { self } = replica.setup;
  const others = view.roster.members.map(({ id }) => id).filter((id) => id !== self.member);
  const reasons: readonly ((id: MemberId) => boolean)[] = [
    (id) => view.revoked.includes(id),
    (id) => view.departing.includes(id),
    (id) => isRefused(replica, view, id),
    (id) => isLongSilent(replica, id),
  ];
  for (const hasReason of reasons) {
    const member = others.find((id) => hasReason(id) && canSpare(view, inTouch, id));
    if (member !== undefined) return { kind: "remove", term: view.term, member };
  }
  return null;
}

function canSpare({ roster }: View, inTouch: ReadonlySet<MemberId>, member: MemberId): boolean {
  const left = roster.members.filter(({ id }) => id !== member);
  const live = left.filter(({ id }) => inTouch.has(id)).length;
  return live >= quorumSize(left.length);
}

/** A member whose former boot was refused, and whose present one is not, has mended what was wrong. */
function isRefused({ seats, refused }: Replica, { roster }: View, member: MemberId): boolean {
  const speaking = validBoot(seats, roster, member);
  return speaking !== undefined && refused.has(speaking);
}

/** Measured from this leader's own first moment at the earliest. */
function isLongSilent(
  { setup, office, peers, refused, nowMs, awakeMs }: Replica,
  member: MemberId,
): boolean {
  if (setup.removeAfterMs === null || office === null) return false;
  const heard = [...peers.values()]
    .filter(({ boot }) => boot.member === member && !refused.has(boot.bootKey))
    .map(({ heardAwakeMs }) => heardAwakeMs);
  const hasLedMs = nowMs - office.ledSinceMs;
  return Math.min(hasLedMs, awakeMs - Math.max(...heard)) >= setup.removeAfterMs;
}

/**
 * A learner has caught up when it holds what was committed one suspicion time ago. It must be the
 * very boot that it registered: that one never forgot anything, so it may count at once.
 */
function admission(
  { nowMs, setup, refused }: Replica,
  { progress, goal, startIndex }: Office,
  view: View,
): Effect | null {
  const ready = view.pending.find(({ id, bootKey }) => {
    const learner = progress.get(bootKey);
    if (learner === undefined || learner.boot.member !== id || refused.has(bootKey)) return false;
    const isLive = nowMs - learner.ackedMs < setup.suspectAfterMs;
    return isLive && learner.matchIndex >= Math.max(startIndex, goal.index);
  });
  return ready === undefined ? null : { kind: "admit", term: view.term, member: ready.id };
}

/** What learners are measured by: the commit index, noted anew every suspicion time. */
export function noteGoal(replica: Replica): Replica {
  const { office, nowMs, setup, commitIndex } = replica;
  if (office === null || nowMs - office.goal.sinceMs < setup.suspectAfterMs) return replica;
  return { ...replica, office: { ...office, goal: { index: commitIndex, sinceMs: nowMs } } };
}
