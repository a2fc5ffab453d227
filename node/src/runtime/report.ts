/** What a node says of itself: status and health. */
import type { MemberId } from "../consensus/ids.ts";
import { quorumSize } from "../consensus/quorum.ts";
import type { Replica, Rollback } from "../consensus/replica.ts";
import { leads, servingLeader } from "./leading.ts";
import type { ChainView, MemberRecord } from "./ports.ts";
import type { Health, NodeStatus, Role } from "./service.ts";
import { describeRemoval } from "./sight.ts";
import type { Station } from "./station.ts";

export function statusOf(station: Station, nowMs: number): NodeStatus {
  const { member, identity } = station;
  const known = member?.chainView() ?? null;
  const replica = member?.runner.replica() ?? null;
  const view = known?.view ?? null;
  const members = view?.members.length ?? 0;
  const waitingFor = waitingForOf(station);
  return {
    node: {
      slot: recordOf(view, identity?.wallet ?? null)?.slot ?? null,
      wallet: identity?.wallet ?? null,
      instanceId: identity?.instanceId ?? null,
      bootKey: station.bootKey,
      endpoint: station.endpoint,
      version: station.version,
    },
    role: roleOf(station, replica, view),
    term: view?.view.term ?? 0,
    leader: leaderOf(replica, view),
    members,
    quorum: members === 0 ? 0 : quorumSize(members),
    lastIndex: replica?.log.last.index ?? 0,
    commitIndex: replica?.commitIndex ?? 0,
    appliedIndex: member?.replicated.appliedIndex() ?? 0,
    lagEntries: replica === null ? null : lagOf(replica),
    checkpoint: checkpointOf(replica),
    anchor: view?.view.anchor == null ? null : { index: view.view.anchor.index },
    chain: {
      id: station.chain?.id ?? 0,
      contract: station.chain?.contract ?? "",
      block: Number(view?.block.number ?? 0n),
      ageMs: known === null ? 0 : Math.round(nowMs - known.readAtMs),
      disagreeing: station.chain?.disagreeing() ?? [],
    },
    uptimeMs: Math.round(nowMs - station.startedMs),
    ...(waitingFor === null ? {} : { waitingFor }),
    ...(station.attestation === null ? {} : { attestation: station.attestation }),
  };
}

/** An entry held is not behind, though its commit may not have been heard of yet. */
function lagOf({ office, peers, log, commitIndex }: Replica): number | null {
  const heard = [...peers.values()].flatMap(({ report }) => report?.commitIndex ?? []);
  if (heard.length === 0 && office?.stage !== "active") return null;
  return Math.max(0, Math.max(commitIndex, ...heard) - log.last.index);
}

function checkpointOf(replica: Replica | null): NodeStatus["checkpoint"] {
  const checkpoint = replica?.vouched.certificate?.checkpoint;
  return checkpoint === undefined
    ? null
    : { index: checkpoint.index, coldTerm: checkpoint.coldTerm };
}

function waitingForOf(station: Station): string | null {
  const { member } = station;
  const rollback = member?.runner.replica().office?.rollback ?? null;
  if (rollback !== null) return describeRollback(rollback);
  if (station.waitingFor !== null || member === null) return station.waitingFor;
  const removal = member.removal();
  if (removal !== null) return describeRemoval(removal);
  const role = roleOf(station, member.runner.replica(), member.chainView()?.view ?? null);
  return role === "pending" ? "the leader: it admits this member once it has caught up" : null;
}

function describeRollback({ anchorIndex, lastIndex }: Rollback): string {
  const remedy = "a rollback; bring back a disk that holds it";
  return lastIndex < anchorIndex
    ? `an operator: all logs that answered end ${anchorIndex - lastIndex} entries before the ` +
        `anchor at index ${anchorIndex} on the chain, the longest at index ${lastIndex}: ${remedy}`
    : `an operator: the log that answered, up to index ${lastIndex}, has another root at index ` +
        `${anchorIndex} than the anchor on the chain: ${remedy}`;
}

function roleOf(station: Station, replica: Replica | null, view: ChainView | null): Role {
  const wallet = station.identity?.wallet ?? null;
  if (replica === null || view === null || wallet === null) return "unregistered";
  if (view.pending.some(({ id }) => id === wallet)) return "pending";
  if (recordOf(view, wallet) === undefined) return "unregistered";
  if (leads(replica)) return "leader";
  return replica.status === "normal" ? "follower" : "recovering";
}

/** The leader that serves, as far as this node knows; null while there is none. */
export function leaderOf(replica: Replica | null, view: ChainView | null): NodeStatus["leader"] {
  const serving = servingLeader(replica);
  const record = recordOf(view, serving);
  return record === undefined
    ? null
    : { slot: record.slot, wallet: record.id, endpoint: record.endpoint };
}

export function recordOf(
  view: ChainView | null,
  wallet: MemberId | null,
): MemberRecord | undefined {
  return view?.members.find(({ id }) => id === wallet);
}

export function healthOf(station: Station, nowMs: number): Health {
  const replica = station.member?.runner.replica() ?? null;
  if (station.stopping) return { ok: false, reason: "the node is stopping" };
  if (replica === null) {
    return { ok: false, reason: `the node is starting: it waits for ${station.waitingFor}` };
  }
  const disk = station.member?.disk();
  if (disk !== undefined && !disk.ok) return { ok: false, reason: disk.reason };
  const { office, following, setup, status } = replica;
  if (office?.rollback != null) return { ok: false, reason: describeRollback(office.rollback) };
  const role = roleOf(station, replica, station.member?.chainView()?.view ?? null);
  if (role === "unregistered" || role === "pending") {
    return { ok: false, reason: describeOutside(station, role) };
  }
  const isLeader = leads(replica);
  const confirmedMs = isLeader ? office?.quorumAwakeMs : following?.heardMs;
  if (confirmedMs === undefined || servingLeader(replica) === null) {
    return { ok: false, reason: "no active leader is known" };
  }
  const ageMs = Math.round((isLeader ? replica.awakeMs : nowMs) - confirmedMs);
  if (ageMs > setup.suspectAfterMs) {
    const what = isLeader ? "a quorum confirmed" : "the leader was heard";
    return { ok: false, reason: `${what} last ${ageMs} ms ago, more than ${setup.suspectAfterMs}` };
  }
  return status === "normal"
    ? { ok: true }
    : { ok: false, reason: "recovering: this boot has not rejoined yet" };
}

/** Of a node that is not on the roster. */
function describeOutside(station: Station, role: "unregistered" | "pending"): string {
  const what = `${role}: it waits for ${waitingForOf(station) ?? "the contract to list it"}`;
  if (role === "unregistered" || station.member === null) return what;
  const lag = lagOf(station.member.runner.replica());
  return `${what}; it is ${lag === null ? "not in touch with any member" : `${lag} entries behind`}`;
}
