/**
 * Who leads, as far as clients' calls are concerned.
 *
 * A change of members begins a new term of the same leader, which is active again within
 * milliseconds: calls wait for that rather than be turned away.
 */
import type { BootKey, MemberId, Term } from "../consensus/ids.ts";
import type { Office, Replica } from "../consensus/replica.ts";

export function leads({ office }: Replica): boolean {
  return office !== null && (office.stage === "active" || isBetweenTerms(office));
}

/** It led the term before, and nothing forbids it to lead the next. */
export function isBetweenTerms({ stage, ledSinceMs, sinceMs }: Office): boolean {
  return ledSinceMs < sinceMs && stage !== "active" && stage !== "barred";
}

/** Whom calls go to; null while no leader is known that serves. */
export function servingLeader(replica: Replica | null): MemberId | null {
  if (replica === null) return null;
  if (leads(replica)) return replica.setup.self.member;
  const { following, view } = replica;
  if (following === null || !(following.active || following.goesOn)) return null;
  const isCurrent = following.term >= (view?.term ?? 0) || following.leader.member === view?.leader;
  return isCurrent ? following.leader.member : null;
}

export type Serving = { readonly bootKey: BootKey; readonly term: Term; readonly isSelf: boolean };

/** The boot that calls go to, and its term; null while no leader is known that serves. */
export function serving(replica: Replica): Serving | null {
  if (servingLeader(replica) === null) return null;
  const { office, following, setup } = replica;
  if (office !== null && leads(replica)) {
    return { bootKey: setup.self.bootKey, term: office.term, isSelf: true };
  }
  if (following === null) return null;
  return { bootKey: following.leader.bootKey, term: following.term, isSelf: false };
}
