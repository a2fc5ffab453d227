/** What a node says of each member, as far as it has heard and judged it. */
import type { BootKey, MemberId } from "../consensus/ids.ts";
import type { Peer, Replica } from "../consensus/replica.ts";
import { validBoot } from "../consensus/seats.ts";
import type { Verdict } from "./attestation.ts";
import { servingLeader } from "./leading.ts";
import type { MemberRecord } from "./ports.ts";
import type { MemberStatus } from "./service.ts";
import type { Station } from "./station.ts";

export function memberStatuses(station: Station, nowMs: number): readonly MemberStatus[] {
  const { member, verdicts } = station;
  const view = member?.chainView()?.view ?? null;
  if (member === null || view === null) return [];
  const replica = member.runner.replica();
  const verdictOf = (bootKey: BootKey) => verdicts?.of(bootKey) ?? null;
  const row = (record: MemberRecord, pending: boolean) =>
    memberStatus(replica, { record, pending, nowMs, verdictOf });
  return [
    ...view.members.map((record) => row(record, false)),
    ...view.pending.map((record) => row(record, true)),
  ];
}

/** Members, this node among them, whose boot it would let in. */
export function attestedCount(station: Station, nowMs: number): number {
  const members = memberStatuses(station, nowMs).filter(({ role }) => role !== "pending");
  return members.filter(({ attestation }) => attestation === "verified" || attestation === "self")
    .length;
}

type Row = {
  readonly record: MemberRecord;
  readonly pending: boolean;
  readonly nowMs: number;
  readonly verdictOf: (bootKey: BootKey) => Verdict | null;
};

function memberStatus(replica: Replica, { record, pending, nowMs, verdictOf }: Row): MemberStatus {
  const { setup, seats, view, log } = replica;
  const isSelf = record.id === setup.self.member;
  const heard = lastHeard(replica, record.id);
  const speaking = view === null ? undefined : validBoot(seats, view.roster, record.id);
  const bootKey = speaking ?? record.bootKey;
  const last = isSelf ? log.last.index : matchOf(replica, record.id, heard);
  const status = isSelf ? replica.status : (heard?.report?.status ?? null);
  const leads = servingLeader(replica) === record.id;
  return {
    slot: record.slot,
    tokenId: record.tokenId.toString(),
    wallet: record.id,
    instanceId: record.instanceId,
    endpoint: record.endpoint,
    bootKey,
    role: pending ? "pending" : leads ? "leader" : status === "normal" ? "follower" : "recovering",
    lastHeardMs: isSelf ? 0 : heardAgoMs(replica, heard),
    lagEntries: last === null ? null : Math.max(0, replica.commitIndex - last),
    ...(isSelf ? { attestation: "self" } : attestationOf(verdictOf(bootKey), nowMs)),
  };
}

function attestationOf(
  verdict: Verdict | null,
  nowMs: number,
): Pick<MemberStatus, "attestation" | "attested"> {
  if (verdict === null) return { attestation: "unverified" };
  const agoMs = Math.max(0, Math.round(nowMs - verdict.atMs));
  if (verdict.kind === "refused") {
    return { attestation: "refused", attested: { reason: verdict.reason, agoMs } };
  }
  const { composeHash, osImageHash, deviceId, tcbStatus } = verdict.appraisal;
  return {
    attestation: "verified",
    attested: { composeHash, osImageHash, deviceId, tcbStatus, agoMs },
  };
}

function heardAgoMs({ awakeMs }: Replica, heard: Peer | null): number | null {
  return heard === null ? null : Math.round(awakeMs - heard.heardAwakeMs);
}

function lastHeard({ peers }: Replica, id: MemberId): Peer | null {
  const boots = [...peers.values()].filter(({ boot }) => boot.member === id);
  return boots.reduce<Peer | null>(
    (latest, peer) => (latest === null || peer.heardAwakeMs > latest.heardAwakeMs ? peer : latest),
    null,
  );
}

/** A leader knows what its followers hold; others go by the last report. */
function matchOf({ office }: Replica, id: MemberId, heard: Peer | null): number | null {
  const known = [...(office?.progress.values() ?? [])].filter(({ boot }) => boot.member === id);
  if (known.length > 0) return Math.max(...known.map(({ matchIndex }) => matchIndex));
  return heard?.report?.last.index ?? null;
}
