/**
 * The failure detector, and votes of no confidence: signed and gathered among peers, submitted in
 * one transaction; on-chain one by one when peers cannot reach each other.
 */
import { type Doubt, noDoubt } from "./doubt.ts";
import type { Effect } from "./effect.ts";
import type { Boot, MemberId, Term } from "./ids.ts";
import type { Confidence, NoConfidence } from "./message.ts";
import { chooseSuccessor, heardLately } from "./peers.ts";
import { quorumSize } from "./quorum.ts";
import { andThen, emit, type Replica, type Step, stay } from "./replica.ts";
import { memberOf } from "./roster.ts";
import type { View } from "./view.ts";

/** Deadlines are rounded up to this many seconds, so that votes signed apart still add up. */
const deadlineStepSeconds = 60;
/** How far ahead a deadline lies at least, and at most by a peer's clock. */
const deadlineMarginSeconds = 20;
const deadlineSecondsMax = 300;
/** Heartbeats after which a vote is repeated, and after which one that is not repeated is void. */
const voteEvery = 5;
const voteLasts = 3 * voteEvery;
/** Members submit in slot order, this far apart, so that normally one pays. */
const submitTurnMs = 200;
const submitAgainMs = 3_000;
/** A vote cast on-chain may be lost with the endpoint it went to; one that arrived is refused. */
const castAgainMs = 30_000;

export function onNewTerm(replica: Replica, term: Term): Replica {
  if (replica.doubt.term === term) return replica;
  const wasActive = replica.following?.term === replica.doubt.term && replica.following.active;
  const led = replica.office?.term === replica.doubt.term && replica.office.stage === "active";
  const idleTerms = wasActive || led ? 0 : replica.doubt.idleTerms + 1;
  return { ...replica, doubt: noDoubt(term, replica.awakeMs, idleTerms) };
}

export function doubtTick(before: Replica): Step {
  const replica = forgetVoid(before);
  const { view, setup } = replica;
  if (view === null || view.term === 0 || view.leader === setup.self.member) return stay(replica);
  if (memberOf(view.roster, setup.self.member) === undefined) return stay(replica);
  const since = suspectedSince(replica, view);
  if (since === null) return regainConfidence(replica);
  const doubting = { ...replica, doubt: { ...replica.doubt, sinceMs: since } };
  return andThen(andThen(andThen(voteAgain(doubting, view), tellPeers), submit), fallBack);
}

/** When this replica's patience with the leader ran out, or null while it has not. */
function suspectedSince(replica: Replica, view: View): number | null {
  const { following, doubt, nowMs, awakeMs, setup } = replica;
  const serves = following?.term === view.term && following.active;
  const patience = setup.suspectAfterMs * (serves ? 1 : 2 ** Math.min(doubt.idleTerms, 5));
  const lastSign = serves ? following.heardAwakeMs : doubt.termSeenAwakeMs;
  if (awakeMs - lastSign <= patience) return null;
  if (!serves && isWaitingForMembers(replica, view)) return null;
  return doubt.sinceMs ?? nowMs;
}

/** A leader that answers but lacks normal members cannot be bettered by another one. */
function isWaitingForMembers(replica: Replica, view: View): boolean {
  const lately = heardLately(replica, view.roster, replica.setup.suspectAfterMs);
  const normal = lately.filter(({ status }) => status === "normal").length;
  const leaderAnswers = lately.some(({ boot }) => boot.member === view.leader);
  return leaderAnswers && normal < quorumSize(view.roster.members.length);
}

function regainConfidence(replica: Replica): Step {
  const { doubt, view } = replica;
  if (doubt.sinceMs === null || view === null) return stay(replica);
  const calm: Doubt = {
    ...doubt,
    sinceMs: null,
    ownVote: null,
    quorumMs: null,
    castMs: null,
    votes: without(doubt.votes, replica.setup.self.member),
  };
  const effects: Effect[] = [];
  if (doubt.ownVote !== null) {
    effects.push(...toMembers(replica, view, { kind: "confidence", term: doubt.term }));
  }
  if (doubt.castMs !== null && doubt.ownVote !== null) {
    const { term, successor } = doubt.ownVote;
    effects.push({ kind: "cast-vote", term, successor, noConfidence: false });
  }
  return { replica: { ...replica, doubt: calm }, effects };
}

/** Signs for the best successor; anew when a better one turns up or the deadline comes close. */
function voteAgain(replica: Replica, view: View): Step {
  const { doubt, nowMs, wallMs, setup } = replica;
  if (nowMs - doubt.signingMs < setup.heartbeatMs * 5 || view.leader === null) return stay(replica);
  const successor = chooseSuccessor(replica, view, new Set([view.leader]))?.boot.member;
  if (successor === undefined) return stay(replica);
  const seconds = Math.floor(wallMs / 1000);
  const standing = doubt.ownVote;
  const deadline = sharedDeadline(doubt, successor, seconds);
  const still = standing?.successor === successor && standing.deadline === deadline;
  if (still) return stay(replica);
  return emit(
    { ...replica, doubt: { ...doubt, signingMs: nowMs } },
    { kind: "sign-vote", term: view.term, successor, deadline },
  );
}

/** One certificate has one deadline: a peer's is taken over when it is as good as our own. */
function sharedDeadline({ votes }: Doubt, successor: MemberId, seconds: number): number {
  const own = Math.ceil((seconds + deadlineMarginSeconds) / deadlineStepSeconds);
  const theirs = [...votes.values()]
    .filter(({ said }) => said.successor === successor)
    .map(({ said }) => said.deadline)
    .filter((deadline) => deadline >= seconds + deadlineMarginSeconds / 2);
  return theirs.length > 0 ? Math.max(...theirs) : (own + 1) * deadlineStepSeconds;
}

export function onVoteSigned(replica: Replica, vote: NoConfidence): Step {
  const { doubt, setup, view } = replica;
  if (view === null || doubt.term !== vote.term || doubt.sinceMs === null) return stay(replica);
  const votes = withVote(replica, setup.self.member, vote);
  const voted = { ...replica, doubt: { ...doubt, ownVote: vote, votes, toldMs: replica.nowMs } };
  return andThen(emit(voted, ...toMembers(voted, view, vote)), submit);
}

/** A vote is repeated while the doubt lasts: channels come and go, and peers may learn of the term late. */
function tellPeers(replica: Replica): Step {
  const { doubt, nowMs, setup, view } = replica;
  if (view === null || doubt.ownVote === null) return stay(replica);
  if (nowMs - doubt.toldMs < setup.heartbeatMs * voteEvery) return stay(replica);
  const told = { ...replica, doubt: { ...doubt, toldMs: nowMs } };
  return emit(told, ...toMembers(replica, view, doubt.ownVote));
}

function toMembers(
  replica: Replica,
  view: View,
  message: NoConfidence | Confidence,
): readonly Effect[] {
  return [...replica.peers.values()]
    .filter(({ boot, connected }) => connected && memberOf(view.roster, boot.member) !== undefined)
    .map(({ boot }) => ({ kind: "send", to: boot, message, after: "durable" }) as const);
}

export function onNoConfidence(replica: Replica, from: Boot, vote: NoConfidence): Step {
  const { view, doubt, wallMs } = replica;
  if (view === null || vote.term > view.term) return emit(replica, { kind: "refresh-view" });
  if (refuseVote(replica, view, from, vote) !== null) return stay(replica);
  const seconds = Math.floor(wallMs / 1000);
  if (vote.deadline < seconds || vote.deadline > seconds + deadlineSecondsMax) return stay(replica);
  const votes = withVote(replica, from.member, vote);
  return submit({ ...replica, doubt: { ...doubt, votes } });
}

function refuseVote({ doubt }: Replica, view: View, from: Boot, vote: NoConfidence): string | null {
  if (vote.term !== view.term || doubt.term !== vote.term) return "another term";
  if (memberOf(view.roster, from.member) === undefined) return "not on the roster";
  if (memberOf(view.roster, vote.successor) === undefined) return "successor not on the roster";
  if (vote.successor === view.leader) return "the leader cannot succeed itself";
  return view.revoked.includes(from.member) ? "revoked" : null;
}

export function onConfidence(replica: Replica, from: Boot, { term }: Confidence): Step {
  const { doubt } = replica;
  if (doubt.term !== term) return stay(replica);
  return stay({ ...replica, doubt: { ...doubt, votes: without(doubt.votes, from.member) } });
}

function withVote({ doubt, awakeMs }: Replica, by: MemberId, said: NoConfidence): Doubt["votes"] {
  return new Map(doubt.votes).set(by, { said, heardAwakeMs: awakeMs });
}

/**
 * Whoever doubts still says so again. Who does not was a boot that is gone, as a clone may be, or one
 * whose word that it hears the leader again got lost.
 */
function forgetVoid(replica: Replica): Replica {
  const { doubt, awakeMs, setup } = replica;
  if (doubt.votes.size === 0) return replica;
  const sinceMs = awakeMs - setup.heartbeatMs * voteLasts;
  const votes = [...doubt.votes].filter(
    ([by, { heardAwakeMs }]) => by === setup.self.member || heardAwakeMs >= sinceMs,
  );
  if (votes.length === doubt.votes.size) return replica;
  return { ...replica, doubt: { ...doubt, votes: new Map(votes) } };
}

function without(votes: Doubt["votes"], member: MemberId): Doubt["votes"] {
  const left = new Map(votes);
  left.delete(member);
  return left;
}

/** With a quorum for one successor and deadline: submits, when it is this member's turn to pay. */
function submit(replica: Replica): Step {
  const { doubt, view, nowMs, setup } = replica;
  if (view === null || doubt.term !== view.term) return stay(replica);
  const agreed = agreement(doubt, view);
  if (agreed === null) return stay({ ...replica, doubt: { ...doubt, quorumMs: null } });
  const quorumMs = doubt.quorumMs ?? nowMs;
  const turn = Math.max(
    0,
    agreed.findIndex(([member]) => member === setup.self.member),
  );
  const due = nowMs >= quorumMs + turn * submitTurnMs;
  const again = nowMs - doubt.submittedMs >= submitAgainMs;
  const first = agreed[0];
  if (!due || !again || first === undefined || view.leader === setup.self.member) {
    return stay({ ...replica, doubt: { ...doubt, quorumMs } });
  }
  const [, { successor, deadline }] = first;
  return emit(
    { ...replica, doubt: { ...doubt, quorumMs, submittedMs: nowMs } },
    {
      kind: "submit-no-confidence",
      term: view.term,
      successor,
      deadline,
      signatures: agreed.map(([member, { signature }]) => ({ member, signature })),
    },
  );
}

/** Votes that make a certificate, in slot order; null while there are too few for any successor. */
function agreement(
  doubt: Doubt,
  view: View,
): readonly (readonly [MemberId, NoConfidence])[] | null {
  const groups = new Map<string, (readonly [MemberId, NoConfidence])[]>();
  for (const { id } of view.roster.members) {
    const vote = doubt.votes.get(id)?.said;
    if (vote === undefined || view.revoked.includes(id)) continue;
    const key = `${vote.successor} ${vote.deadline}`;
    groups.set(key, [...(groups.get(key) ?? []), [id, vote]]);
  }
  const needed = quorumSize(view.roster.members.length);
  return [...groups.values()].find((group) => group.length >= needed) ?? null;
}

/** Peers cut off from each other, but not from the chain, vote there. */
function fallBack(replica: Replica): Step {
  const { doubt, nowMs, setup } = replica;
  if (doubt.sinceMs === null || doubt.ownVote === null) return stay(replica);
  const castLately = doubt.castMs !== null && nowMs - doubt.castMs < castAgainMs;
  if (nowMs - doubt.sinceMs < setup.voteFallbackMs || castLately) return stay(replica);
  const { term, successor } = doubt.ownVote;
  return emit(
    { ...replica, doubt: { ...doubt, castMs: nowMs } },
    { kind: "cast-vote", term, successor, noConfidence: true },
  );
}
