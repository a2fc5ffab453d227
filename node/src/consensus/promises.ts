/** A replica's word to one leader: given on `prepare`, and just as binding when it takes an append. */
import type { Effect } from "./effect.ts";
import type { Boot, Hash, Term } from "./ids.ts";
import { batchAfter, positionAt } from "./log.ts";
import type { Fetch, Fetched, FetchFailed, Prepare, Refusal, RefusalReason } from "./message.ts";
import { andThen, emit, leaveOffice, type Replica, type Step, stay } from "./replica.ts";
import { memberOf } from "./roster.ts";

type Claim = { readonly leader: Boot; readonly term: Term; readonly rosterHash: Hash };

export function onPrepare(replica: Replica, from: Boot, prepare: Prepare): Step {
  const claim = { leader: from, term: prepare.term, rosterHash: prepare.rosterHash };
  const refusal = refuseClaim(replica, claim) ?? refuseWhileRecovering(replica, claim.term);
  if (refusal === "behind") return hold(replica, from, prepare);
  if (refusal !== null) return emit(replica, sayNo(replica, from, prepare.term, refusal));
  return andThen(bind(replica, claim), (bound) =>
    emit(bound, {
      kind: "send",
      to: from,
      after: "durable",
      message: {
        kind: "promise",
        term: prepare.term,
        rosterHash: prepare.rosterHash,
        status: bound.status,
        last: bound.log.last,
        commitIndex: bound.commitIndex,
      },
    }),
  );
}

/** Why `claim` may not be followed; `behind` means: not before the view has been refreshed. */
export function refuseClaim(replica: Replica, claim: Claim): RefusalReason | "behind" | null {
  const { promised, view } = replica;
  if (promised !== null && promised.term > claim.term) return "higher-term-promised";
  if (promised !== null && promised.term === claim.term) {
    const same =
      promised.leaderBootKey === claim.leader.bootKey && promised.rosterHash === claim.rosterHash;
    return same ? null : "other-boot-promised";
  }
  // A lie about a huge term must not shut out all real ones.
  const committedTerm = positionAt(replica.log, replica.commitIndex)?.term ?? 0;
  if (claim.term > committedTerm + replica.setup.termWindow) return "term-outside-window";
  if (view === null || view.term < claim.term) return "behind";
  const confirmed =
    view.term === claim.term &&
    view.leader === claim.leader.member &&
    view.roster.hash === claim.rosterHash;
  return confirmed ? null : "not-the-leader-by-my-view";
}

/**
 * A recovering boot forgot what it said: it promises in a cold start that names it, or not at all. A
 * cold start cannot name those whom the roster lists no more, and may yet need what they hold.
 */
export function refuseWhileRecovering(replica: Replica, claimed: Term): RefusalReason | null {
  const { view, setup } = replica;
  const cold = view !== null && view.term === claimed && view.coldTerm === claimed;
  if (!cold) return replica.status === "normal" ? null : "recovering";
  const listed = memberOf(view.roster, setup.self.member);
  const named = listed === undefined || listed.bootKey === setup.self.bootKey;
  return named ? null : "recovering";
}

/** From here on every lower term, and every other boot of this term, is refused. */
export function bind(replica: Replica, { leader, term, rosterHash }: Claim): Step {
  if (replica.promised?.term === term) return stay(replica);
  const promised = { term, leaderBootKey: leader.bootKey, rosterHash };
  const outdated = replica.office !== null && replica.office.term < term;
  return andThen(outdated ? leaveOffice(replica) : stay(replica), (freed) =>
    emit({ ...freed, promised }, { kind: "persist", writes: [{ kind: "promise", promised }] }),
  );
}

export function hold(
  replica: Replica,
  from: Boot,
  message: NonNullable<Replica["held"]>["message"],
) {
  return emit({ ...replica, held: { from, message } }, { kind: "refresh-view" });
}

export function sayNo(replica: Replica, to: Boot, term: Term, reason: RefusalReason): Effect {
  const promisedTerm = replica.promised?.term ?? (0 as Term);
  const message: Refusal = { kind: "refusal", term, reason, promisedTerm };
  return { kind: "send", to, message, after: "durable" };
}

/** A promise's log, read out to the leader that it was made to. */
export function onFetch(replica: Replica, from: Boot, { term, after }: Fetch): Step {
  const { promised, log, setup } = replica;
  if (promised?.term !== term || promised.leaderBootKey !== from.bootKey) return stay(replica);
  const has = positionAt(log, after.index)?.hash === after.hash;
  const message: Fetched | FetchFailed = has
    ? {
        kind: "fetched",
        term,
        after,
        entries: batchAfter(log, after.index, setup.batchBytesMax),
      }
    : { kind: "fetch-failed", term };
  return emit(replica, { kind: "send", to: from, message, after: "durable" });
}
