import { expect, test } from "vitest";
import type { BootKey } from "../../../node/src/consensus/ids.ts";
import type { BootProof, Verdict } from "../../../node/src/runtime/attestation.ts";
import type { Member } from "../../../node/src/runtime/member.ts";
import { attestedCount, memberStatuses } from "../../../node/src/runtime/memberReport.ts";
import type { ChainView, MemberRecord } from "../../../node/src/runtime/ports.ts";
import type { Station } from "../../../node/src/runtime/station.ts";
import { addressIn, logOf, replicaIn, rosterIn } from "../../support/vouched.ts";

const nowMs = 10_000;
const roster = rosterIn([0, 1, 2, 3]);
const replica = replicaIn({ entries: logOf(3), certificate: null, roster });
const keyOf = (slot: number): BootKey => roster.members[slot]?.bootKey ?? expect.unreachable();

const records = roster.members.map(
  ({ slot, id, bootKey }): MemberRecord => ({
    ...{
      slot,
      id,
      bootKey,
      tokenId: BigInt(slot),
      instanceId: "ab",
      endpoint: "",
      peerEndpoint: "",
    },
    ...{ revoked: false, departing: false },
  }),
);

const appraisal = {
  ...{ composeHash: "c5".repeat(32), appId: "a9".repeat(20), instanceId: "1d".repeat(20) },
  ...{ osImageHash: null, deviceId: "de".repeat(32), tcbStatus: "UpToDate", advisoryIds: [] },
};
const proof = {} as BootProof;
const verdicts = new Map<BootKey, Verdict>([
  [keyOf(1), { kind: "verified", proof, appraisal, atMs: nowMs - 1_500.4 }],
  [
    keyOf(2),
    {
      kind: "refused",
      proof,
      fault: { code: "quote.malformed", reason: "too short" },
      reason: "the quote is too short",
      atMs: nowMs - 20,
    },
  ],
]);

function stationWith(known: Station["verdicts"]): Station {
  const block = { number: 5n, hash: "0x", timestampMs: 0 };
  const view: ChainView = {
    view: replica.view ?? expect.unreachable(),
    members: records,
    pending: [],
    block,
  };
  const member: Partial<Member> = {
    runner: { replica: () => replica } as Member["runner"],
    chainView: () => ({ view, readAtMs: nowMs }),
  };
  return {
    ...{ bootKey: keyOf(0), endpoint: "", version: "0", startedMs: 0, chain: null },
    identity: { wallet: addressIn(0), instanceId: "ab" },
    member: member as Member,
    verdicts: known,
    ...{ waitingFor: null, attestation: null, stopping: false },
  };
}

const judging = stationWith({ of: (bootKey) => verdicts.get(bootKey) ?? null });

test("each member's attestation is what this node found of the boot that speaks for it", () => {
  const shown = memberStatuses(judging, nowMs).map(({ attestation, attested }) => ({
    attestation,
    attested,
  }));
  const { composeHash, osImageHash, deviceId, tcbStatus } = appraisal;
  expect(shown).toEqual([
    { attestation: "self", attested: undefined },
    {
      attestation: "verified",
      attested: { composeHash, osImageHash, deviceId, tcbStatus, agoMs: 1_500 },
    },
    { attestation: "refused", attested: { reason: "the quote is too short", agoMs: 20 } },
    { attestation: "unverified", attested: undefined },
  ]);
});

test("those are counted whose attestation holds, this node among them", () => {
  expect(attestedCount(judging, nowMs)).toBe(2);
  expect(attestedCount(stationWith(null), nowMs)).toBe(1);
});
