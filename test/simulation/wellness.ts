/** What a cluster that faults have left alone must come to (protocol.md, "Invariants", liveness). */
import { encodeState } from "../../node/src/application/state.ts";
import type { MemberId } from "../../node/src/consensus/ids.ts";
import { isGreater } from "../../node/src/consensus/log.ts";
import { quorumSize } from "../../node/src/consensus/quorum.ts";
import type { Replica } from "../../node/src/consensus/replica.ts";
import type { Host } from "./host.ts";
import { letterOf } from "./names.ts";
import { isRevoked } from "./operators.ts";
import type { Process } from "./process.ts";
import { isInPlay } from "./taint.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** What may be under way to a member that keeps up. */
const lagEntriesMax = 20;

/**
 * An active leader, whom the contract names, and every member that lives is normal and keeps up with
 * it; who is to be a member is one, and who is to go is gone.
 */
export function isWell(world: World): boolean {
  return ailment(world) === null;
}

/** In a few words; null when there is none. */
function ailment(world: World): string | null {
  const { chain, hosts, processOf } = world;
  const { term, leader, roster } = chain.head();
  const members = hosts.filter(({ member }) => roster.members.some(({ id }) => id === member));
  const seated = members.filter(({ purpose }) => purpose !== "gone");
  const leading = seated
    .flatMap(({ processes }) => processes)
    .find(({ boot, replica }) => boot.member === leader && replica().office?.stage === "active")
    ?.replica();
  if (leading === undefined) return "no active leader";
  if (!isFounded(world, leading)) return "its leader is not whom the contract names";
  for (const { processes, member } of seated) {
    if (processes.length !== 1) return `${letterOf(member)} has ${processes.length} processes`;
    if (!processes.every((process) => keepsUp(process, leading, term, leader))) {
      return `${letterOf(member)} does not keep up`;
    }
  }
  const outside = hosts.find((host) => host.purpose === "serving" && !members.includes(host));
  if (outside !== undefined && !isRevoked(world, outside)) {
    return `${letterOf(outside.member)} is not a member yet`;
  }
  const waiting = chain.head().pending.find(({ bootKey }) => processOf.get(bootKey)?.alive());
  if (waiting !== undefined) return `${letterOf(waiting.id)} waits to become a member`;
  const staying = leavingOf(world, members).find((host) => canBeSpared(members, host));
  return staying === undefined ? null : `${letterOf(staying.member)} is a member still`;
}

function isFounded({ chain }: World, { office }: Replica): boolean {
  const { term, roster } = chain.head();
  return office?.term === term && office.roster.hash === roster.hash;
}

function keepsUp(
  { replica, boot }: Process,
  leading: Replica,
  term: number,
  leader: MemberId | null,
): boolean {
  const { status, following, log, promised } = replica();
  const follows = (following?.term ?? 0) >= term || boot.member === leader;
  // Bound to what the contract took back, or never said: it refuses its leader until a later term.
  if ((promised?.term ?? 0) > term) return false;
  return status === "normal" && follows && leading.commitIndex - log.last.index <= lagEntriesMax;
}

/** Departing, revoked, or gone for longer than the leader's patience. */
function leavingOf({ chain, scenario }: World, members: readonly Host[]): readonly Host[] {
  const { departing, revoked } = chain.head();
  return members.filter(
    ({ member, purpose }) =>
      departing.has(member) ||
      revoked.has(member) ||
      (purpose === "gone" && scenario.removeAfterMs !== null),
  );
}

/** The leader removes nobody when the rest would lack a live quorum. */
function canBeSpared(members: readonly Host[], host: Host): boolean {
  const rest = members.filter((other) => other !== host);
  const live = rest.filter(({ purpose }) => purpose !== "gone");
  return live.length >= quorumSize(rest.length);
}

/**
 * True when a cold start stops rather than lose what may be committed: the greatest log is with a
 * member that cannot lead any more, and lacks the entries that those who can would have to fetch.
 */
export function isAtALoss({ hosts, chain }: World): boolean {
  const { roster, revoked } = chain.head();
  const mayLead = ({ member }: Host) =>
    roster.members.some(({ id }) => id === member) && !revoked.has(member);
  const all = hosts.flatMap((host) =>
    host.processes.map(({ replica }) => ({ mayLead: mayLead(host), ...replica() })),
  );
  const greatest = all.reduce((a, b) => (isGreater(b.log.last, a.log.last) ? b : a));
  const leaders = all.filter((replica) => replica.mayLead);
  if (leaders.length === 0 || greatest.mayLead) return false;
  return leaders.every(({ commitIndex }) => commitIndex < greatest.log.before.index);
}

export function describeState(world: World): string {
  const { hosts, chain } = world;
  const { term, leader, coldTerm, roster, pending, departing, revoked } = chain.head();
  const gone = hosts.filter(({ purpose }) => purpose === "gone").map(({ member }) => member);
  return [
    `${ailment(world) ?? "all are well"}: term ${term} under ${letterOf(leader)}`,
    `members ${lettersOf(roster.members.map(({ id }) => id))}`,
    `pending ${lettersOf(pending.map(({ id }) => id))}`,
    `departing ${lettersOf(departing)}, revoked ${lettersOf(revoked)}, gone ${lettersOf(gone)}`,
    `last cold start ${coldTerm}`,
    ...hosts.flatMap((host) => host.processes.map(describeProcess)),
  ].join("; ");
}

function describeProcess({ name, replica }: Process): string {
  const { status, office, log, commitIndex, promised, following, seats } = replica();
  const inPlay = seats.rosters.map(({ roster }) => lettersOf(roster.members.map(({ id }) => id)));
  return (
    `${name} ${status}, ${office === null ? "no office" : `${office.stage} in ${office.term}`}, ` +
    `log ${log.last.index}/${log.last.term} with rosters ${inPlay.join("|") || "none"}, ` +
    `committed ${commitIndex}, promised ${promised?.term ?? "none"}, ` +
    `follows ${following?.term ?? "nobody"}`
  );
}

function lettersOf(members: Iterable<MemberId>): string {
  return [...members].map(letterOf).join("") || "nobody";
}

/** For the end of a run: all replicas that applied as far hold equal machines. */
export function checkEqualMachines(processes: readonly Process[]): void {
  const states = new Map<number, string>();
  for (const process of processes) {
    const index = process.applied.index();
    const state = encodeState(process.applied.machine()).join();
    const other = states.get(index) ?? state;
    states.set(index, state);
    if (other !== state) throw new Violation("equal index, equal state", `at index ${index}`);
  }
}

/** True for a host that must run once all is mended. */
export function isNeeded(world: World, host: Host): boolean {
  if (host.purpose === "gone") return false;
  return host.purpose !== "absent" || isInPlay(world, host);
}
