/** What a lying endpoint tells one node: about all but genesis and cold starts, which are believed. */
import * as AbiFunction from "ox/AbiFunction";
import { membershipAbi } from "../../../node/src/chain/membership.abi.ts";
import type { Lie } from "../net/rpcProxy.ts";

const clusterFunction = AbiFunction.fromAbi(membershipAbi, "cluster");
const clusterSelector = AbiFunction.getSelector(clusterFunction);
type Cluster = AbiFunction.decodeResult.ReturnType<typeof clusterFunction>;

export const lieNames = ["term", "leader", "roster"] as const;
export type LieName = (typeof lieNames)[number];

/** @param nth which of the members the lie is about */
export function lieAbout(name: LieName, nth: number): Lie {
  let told: Cluster | null = null;
  return (call, truth) => {
    const [request] = call.params as readonly { readonly data?: string }[];
    if (call.method !== "eth_call" || request?.data !== clusterSelector) return truth;
    const answer = JSON.parse(truth) as { readonly result?: `0x${string}` };
    if (answer.result === undefined) return truth;
    // One story for as long as the lie lasts.
    told ??= changed(name, nth, AbiFunction.decodeResult(clusterFunction, answer.result));
    return JSON.stringify({ ...answer, result: AbiFunction.encodeResult(clusterFunction, told) });
  };
}

function changed(name: LieName, nth: number, truth: Cluster): Cluster {
  const { members } = truth;
  const about = members[nth % members.length];
  if (about === undefined) return truth;
  switch (name) {
    case "term":
      return { ...truth, term: truth.term + 7n };
    case "leader":
      return { ...truth, term: truth.term + 1n, leader: about.slot };
    case "roster": {
      const rest = members.filter((member) => member !== about);
      const leader = rest[0]?.slot ?? truth.leader;
      return { ...truth, term: truth.term + 1n, leader, members: rest };
    }
    default:
      return name satisfies never;
  }
}
