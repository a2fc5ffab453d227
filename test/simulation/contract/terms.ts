/** Who leads, and how members change: Terms.sol. */
import {
  type BootKey,
  type Digest,
  type MemberId,
  noBoot,
  type Term,
} from "../../../node/src/consensus/ids.ts";
import { rosterOf } from "../../../node/src/consensus/roster.ts";
import { type Call, isInGoodStanding, type Ledger, quorumOf, startTerm } from "./ledger.ts";
import { withoutSeat, withSeat } from "./roster.ts";

export function castVote(vote: {
  readonly voter: MemberId;
  readonly term: Term;
  readonly successor: MemberId;
  readonly noConfidence: boolean;
}): Call {
  return (before) => {
    if (vote.term !== before.term || !isInGoodStanding(before, vote.voter)) return null;
    const dissenters = new Set(before.dissenters);
    if (!vote.noConfidence) {
      return dissenters.delete(vote.voter) ? { ...before, dissenters } : null;
    }
    if (dissenters.has(vote.voter) || !maySucceed(before, vote.successor)) return null;
    dissenters.add(vote.voter);
    // A member that voted and was revoked since no longer counts.
    const counted = [...dissenters].filter((member) => isInGoodStanding(before, member));
    return counted.length >= quorumOf(before)
      ? startTerm(before, vote.successor)
      : { ...before, dissenters };
  };
}

export function submitNoConfidence(certificate: {
  readonly term: Term;
  readonly successor: MemberId;
  readonly deadline: number;
  readonly signatures: readonly { readonly member: MemberId; readonly signature: string }[];
}): Call {
  return (before, chainTimeMs) => {
    const { successor, deadline, signatures } = certificate;
    if (certificate.term !== before.term || deadline * 1000 < chainTimeMs) return null;
    const isSigned = holdsCertificate(before, signatures, (member) =>
      signVote(member, certificate),
    );
    return isSigned && maySucceed(before, successor) ? startTerm(before, successor) : null;
  };
}

/** Stands for the EIP-712 signature: nobody else's code makes one in a member's name. */
export function signVote(
  member: MemberId,
  vote: { readonly term: Term; readonly successor: MemberId; readonly deadline: number },
): string {
  return `${member} ends ${vote.term} for ${vote.successor} until ${vote.deadline}`;
}

/** Certificates.sol: a quorum of members in good standing, and no signature but theirs. */
export function holdsCertificate(
  ledger: Ledger,
  signatures: readonly { readonly member: MemberId; readonly signature: string }[],
  expected: (member: MemberId) => string,
): boolean {
  const signers = new Set(signatures.map(({ member }) => member));
  return (
    signers.size >= quorumOf(ledger) &&
    signatures.every(
      ({ member, signature }) => isInGoodStanding(ledger, member) && signature === expected(member),
    )
  );
}

type ByLeader = { readonly sender: MemberId; readonly term: Term };

export function handOver(change: ByLeader & { readonly successor: MemberId }): Call {
  return (before) => {
    // A revoked leader may do this one thing.
    if (change.term !== before.term || change.sender !== before.leader) return null;
    return maySucceed(before, change.successor) ? startTerm(before, change.successor) : null;
  };
}

export function admit(change: ByLeader & { readonly slot: number }, digest: Digest): Call {
  return (before) => {
    const member = before.pending.find(({ slot }) => slot === change.slot);
    if (!mayLead(before, change) || member === undefined) return null;
    return startTerm(withSeat(before, member, digest), before.leader);
  };
}

export function remove(change: ByLeader & { readonly slot: number }, digest: Digest): Call {
  return (before) => {
    const member = before.roster.members.find(({ slot }) => slot === change.slot);
    if (!mayLead(before, change) || member === undefined) return null;
    if (member.id === before.leader) return null;
    return startTerm(withoutSeat(before, member.id, digest), before.leader);
  };
}

/** Keys in slot order, one a member; a key of zero stands for a member that did not answer. */
export function coldStart(
  start: ByLeader & { readonly bootKeys: readonly BootKey[] },
  digest: Digest,
): Call {
  return (before) => {
    if (!mayLead(before, start)) return null;
    const { members } = before.roster;
    const named = start.bootKeys.filter((key) => key !== noBoot).length;
    if (start.bootKeys.length !== members.length || named < quorumOf(before)) return null;
    const renamed = members.map((member, at) => ({
      ...member,
      bootKey: start.bootKeys[at] ?? noBoot,
    }));
    const leader = renamed.find(({ id }) => id === before.leader);
    if (leader === undefined || leader.bootKey === noBoot) return null;
    const cold = startTerm({ ...before, roster: rosterOf(renamed, digest) }, before.leader);
    return { ...cold, coldTerm: cold.term };
  };
}

function mayLead(before: Ledger, { sender, term }: ByLeader): boolean {
  return term === before.term && sender === before.leader && !before.revoked.has(sender);
}

function maySucceed(ledger: Ledger, successor: MemberId): boolean {
  return successor !== ledger.leader && isInGoodStanding(ledger, successor);
}
