/** The membership contract as far as the core can tell: its state, and what calls do to it. */
import {
  type BootKey,
  type Digest,
  type MemberId,
  type Term,
  term,
} from "../../node/src/consensus/ids.ts";
import { quorumSize } from "../../node/src/consensus/quorum.ts";
import { type Member, type Roster, rosterOf } from "../../node/src/consensus/roster.ts";

export type Ledger = {
  readonly genesisSize: number;
  readonly term: Term;
  readonly leader: MemberId | null;
  readonly roster: Roster;
  readonly coldTerm: Term;
  /** Who has voted on-chain to end the present term. */
  readonly dissenters: ReadonlySet<MemberId>;
};

/** One transaction. It returns the ledger after it, or null when the contract reverts. */
export type Call = (before: Ledger, chainTimeMs: number) => Ledger | null;

export function emptyLedger(genesisSize: number, digest: Digest): Ledger {
  return {
    genesisSize,
    term: term(0),
    leader: null,
    roster: rosterOf([], digest),
    coldTerm: term(0),
    dissenters: new Set(),
  };
}

/** Genesis alone: later registrations make pending members, which are not modelled yet. */
export function register(member: Member, digest: Digest): Call {
  return (before) => {
    const { members } = before.roster;
    if (before.term > 0 || members.some(({ id }) => id === member.id)) return null;
    const after = { ...before, roster: rosterOf([...members, member], digest) };
    const complete = after.roster.members.length === before.genesisSize;
    return complete ? startTerm(after, after.roster.members[0]?.id ?? null) : after;
  };
}

export function castVote(vote: {
  readonly voter: MemberId;
  readonly term: Term;
  readonly successor: MemberId;
  readonly noConfidence: boolean;
}): Call {
  return (before) => {
    if (vote.term !== before.term || !isListed(before, vote.voter)) return null;
    const dissenters = new Set(before.dissenters);
    if (!vote.noConfidence) {
      return dissenters.delete(vote.voter) ? { ...before, dissenters } : null;
    }
    if (dissenters.has(vote.voter) || !maySucceed(before, vote.successor)) return null;
    dissenters.add(vote.voter);
    const decided = dissenters.size >= quorumSize(before.roster.members.length);
    return decided ? startTerm(before, vote.successor) : { ...before, dissenters };
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
    const signed = signatures.filter(
      ({ member, signature }) =>
        isListed(before, member) && signature === signVote(member, certificate),
    );
    const signers = new Set(signed.map(({ member }) => member));
    const enough = signers.size >= quorumSize(before.roster.members.length);
    return enough && maySucceed(before, successor) ? startTerm(before, successor) : null;
  };
}

/** Stands for the EIP-712 signature: nobody else's code makes one in a member's name. */
export function signVote(
  member: MemberId,
  vote: { readonly term: Term; readonly successor: MemberId; readonly deadline: number },
): string {
  return `${member} ends ${vote.term} for ${vote.successor} until ${vote.deadline}`;
}

export function handOver(change: {
  readonly sender: MemberId;
  readonly term: Term;
  readonly successor: MemberId;
}): Call {
  return (before) => {
    if (change.term !== before.term || change.sender !== before.leader) return null;
    return maySucceed(before, change.successor) ? startTerm(before, change.successor) : null;
  };
}

export function coldStart(
  start: {
    readonly sender: MemberId;
    readonly term: Term;
    readonly bootKeys: readonly BootKey[];
  },
  digest: Digest,
): Call {
  return (before) => {
    if (start.term !== before.term || start.sender !== before.leader) return null;
    const { members } = before.roster;
    if (start.bootKeys.length !== members.length) return null;
    const renamed = members.map((member, at) => ({
      ...member,
      bootKey: start.bootKeys[at] ?? member.bootKey,
    }));
    const cold = startTerm({ ...before, roster: rosterOf(renamed, digest) }, before.leader);
    return { ...cold, coldTerm: cold.term };
  };
}

function startTerm(before: Ledger, leader: MemberId | null): Ledger {
  return { ...before, term: term(before.term + 1), leader, dissenters: new Set() };
}

function isListed({ roster }: Ledger, member: MemberId): boolean {
  return roster.members.some(({ id }) => id === member);
}

function maySucceed(ledger: Ledger, successor: MemberId): boolean {
  return successor !== ledger.leader && isListed(ledger, successor);
}
