/**
 * Leaders that members refuse for good: those have promised a higher term, or this one to another
 * boot, and no time will change that.
 *
 * A member may have promised what the chain took back, or what its endpoint made up. One such member
 * must not stop a leader whom a quorum follows; yet it can follow no leader before a later term.
 */
import type { Boot, MemberId } from "./ids.ts";
import type { Refusal } from "./message.ts";
import { isAllOfEach, isQuorumOfEach } from "./quorum.ts";
import { emit, type Office, type Replica, type Step, stay } from "./replica.ts";
import { memberOf } from "./roster.ts";

/** Suspicion times that a leader lets pass before it changes the term for the sake of a few. */
export const laterTermPatience = 10;

export function onRefusal(replica: Replica, from: Boot, refusal: Refusal): Step {
  const { office, nowMs } = replica;
  if (office === null || office.term !== refusal.term) return stay(replica);
  const overtaken = refusal.promisedTerm > office.term;
  if (!overtaken && refusal.reason !== "other-boot-promised") return stay(replica);
  const sinceMs = office.refusedBy.get(from.member) ?? nowMs;
  const refusedBy = new Map(office.refusedBy).set(from.member, sinceMs);
  const refused: Office = { ...office, refusedBy };
  const serves = office.stage === "starting" || office.stage === "active";
  const barred = !serves && isRefusedForGood(replica, refused);
  const marked: Office = barred ? { ...refused, stage: "barred", fetch: null } : refused;
  return emit({ ...replica, office: marked }, { kind: "refresh-view" });
}

/**
 * True when those who do not refuse it are too few for what its term-start needs; but for a cold start,
 * who is recovering cannot help it either.
 */
export function isRefusedForGood(replica: Replica, office: Office): boolean {
  if (office.refusedBy.size === 0) return false;
  const { setup } = replica;
  const { roster, joint, judged, refusedBy, cold, stage } = office;
  const needed = joint.length > 0 ? joint : (judged?.joint ?? []);
  const rosters = needed.length > 0 ? needed : [roster];
  const members = rosters.flatMap((one) => one.members.map(({ id }) => id));
  const helpless = cold ? new Set<MemberId>() : recoveringMembers(replica);
  const left = new Set(members.filter((id) => !refusedBy.has(id) && !helpless.has(id)));
  const needsAll = cold && setup.coldStart === "all" && stage !== "active";
  return needsAll ? !isAllOfEach(rosters, left) : !isQuorumOfEach(rosters, left);
}

/** By their own word, and with no other boot that is normal. */
function recoveringMembers({ peers, setup, status }: Replica): ReadonlySet<MemberId> {
  const told = [...peers.values()].filter(({ connected, report }) => connected && report !== null);
  const normal = new Set(
    told.flatMap(({ boot, report }) => (report?.status === "normal" ? [boot.member] : [])),
  );
  const recovering = new Set(told.map(({ boot }) => boot.member).filter((id) => !normal.has(id)));
  return status === "recovering" ? recovering.add(setup.self.member) : recovering;
}

/** To be asked of a leader that serves, or is about to: it is to hand over. */
export function isUnwelcome(replica: Replica, office: Office): boolean {
  if (isRefusedForGood(replica, office)) return true;
  const { setup, nowMs } = replica;
  const dueMs = nowMs - setup.suspectAfterMs * laterTermPatience;
  return [...office.refusedBy].some(
    ([id, sinceMs]) =>
      sinceMs <= dueMs && memberOf(office.roster, id) !== undefined && !helpsItself(replica, id),
  );
}

/** Bound to a leader of whose term its log holds nothing: see stranded.ts. */
function helpsItself({ office, peers }: Replica, id: MemberId): boolean {
  const inTerm = office?.term ?? 0;
  return [...peers.values()].some(
    ({ boot, connected, report }) =>
      boot.member === id &&
      connected &&
      report !== null &&
      report.promisedTerm >= inTerm &&
      report.last.term <= inTerm &&
      report.last.term < report.promisedTerm,
  );
}

/** Who acknowledges follows: as a rule another boot than the one that refused. */
export function noteWelcome(replica: Replica, { member }: Boot): Replica {
  const { office } = replica;
  if (office === null || !office.refusedBy.has(member)) return replica;
  const refusedBy = new Map(office.refusedBy);
  refusedBy.delete(member);
  return { ...replica, office: { ...office, refusedBy } };
}
