/** A cluster of three as its contract and its members show it when all is well. */
import { type BootKey, bootKey, memberId, term } from "../../../node/src/consensus/ids.ts";
import type { MemberRecord } from "../../../node/src/runtime/ports.ts";
import type { ClusterOnChain } from "../../../scripts/verify/contract.ts";
import type { MembersAnswer, StatusAnswer } from "../../../scripts/verify/node.ts";
import { addressIn, cluster as place, rosterIn } from "../../support/vouched.ts";

export const slots = [0, 1, 5] as const;

export const records: readonly MemberRecord[] = rosterIn(slots).members.map((member) => ({
  ...member,
  tokenId: BigInt(member.slot + 1),
  instanceId: `${member.slot}`.repeat(40),
  endpoint: `http://10.0.0.${member.slot + 1}:8080`,
  peerEndpoint: `10.0.0.${member.slot + 1}:9090`,
  revoked: false,
  departing: false,
}));

export const onChain: ClusterOnChain = {
  ...place,
  codeHash: `0x${"cc".repeat(32)}`,
  view: {
    term: term(2),
    leader: addressIn(1),
    roster: rosterIn(slots),
    genesisSize: 3,
    coldTerm: term(0),
    revoked: [],
    departing: [],
    pending: [],
    anchor: null,
  },
  members: records,
  pending: [],
  block: { number: 9n, hash: `0x${"ee".repeat(32)}`, timestampMs: 1_700_000_000_000 },
};

export function statusBy(slot: number, change: Partial<StatusAnswer> = {}): StatusAnswer {
  return {
    node: { slot, wallet: addressIn(slot), bootKey: bootKeyOf(slot) },
    role: slot === 1 ? "leader" : "follower",
    term: 2,
    leader: { slot: 1, wallet: addressIn(1), endpoint: "http://10.0.0.2:8080" },
    lastIndex: 40,
    commitIndex: 40,
    chain: { id: place.chainId, contract: place.contract, block: 9 },
    ...change,
  };
}

/** @param keys by slot, of the boots that count by the log where it names another one */
export function membersSaid(keys: Readonly<Record<number, BootKey>> = {}): MembersAnswer {
  return records.map(({ slot, tokenId, id, instanceId, endpoint, bootKey: key }) => ({
    slot,
    tokenId: tokenId.toString(),
    wallet: id,
    instanceId,
    endpoint,
    bootKey: keys[slot] ?? key,
    role: slot === 1 ? "leader" : "follower",
  }));
}

export const bootKeyOf = (slot: number): BootKey => bootKey(String(slot % 10).repeat(64));
export const stranger = memberId(`0x${"ab".repeat(20)}`);
