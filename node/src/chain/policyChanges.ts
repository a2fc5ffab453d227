/** Whether what the contract admits has changed: by its events, as a hint that costs one call. */
import * as AbiEvent from "ox/AbiEvent";
import { z } from "zod";
import { ChainError } from "./errors.ts";
import { membershipAbi } from "./membership.abi.ts";
import { answerAs, type Endpoint, RpcRefusal } from "./rpc.ts";

/** All that `readAdmission` reads. */
const events = [
  "ComposeHashAdded",
  "ComposeHashRemoved",
  "DeviceAdded",
  "DeviceRemoved",
  "OsImageHashAdded",
  "OsImageHashRemoved",
  "AllowAnyDeviceSet",
  "RequireTcbUpToDateSet",
  "KmsRootSet",
  "AppIdSet",
] as const;

/**
 * The result says so when any endpoint does, for blocks `from` to `to`, both included. An endpoint
 * that makes one up has a node judge once more; one that conceals one delays that until it is due.
 *
 * The result throws ChainError chain.unreachable when no endpoint answers.
 */
export function policyChanges(
  endpoints: readonly Endpoint[],
  contract: string,
): (from: bigint, to: bigint) => Promise<boolean> {
  const topics = [
    events.map((name) => AbiEvent.getSelector(AbiEvent.fromAbi(membershipAbi, name))),
  ];
  return async (from, to) => {
    const filter = { address: contract, topics, fromBlock: tagOf(from), toBlock: tagOf(to) };
    const answers = await Promise.allSettled(
      endpoints.map(async (endpoint) => {
        const answer = await endpoint.call("eth_getLogs", [filter]);
        return answerAs(z.array(z.unknown()), answer, "eth_getLogs").length > 0;
      }),
    );
    const given = answers.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const failed = answers.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    if (given.length === 0) throw reasonOf(failed[0]);
    return given.includes(true);
  };
}

function reasonOf(reason: unknown): unknown {
  if (!(reason instanceof RpcRefusal)) return reason;
  const text = `eth_getLogs was refused: ${reason.message}`;
  return new ChainError({ code: "chain.unreachable", reason: text }, text, { cause: reason });
}

function tagOf(number: bigint): string {
  return `0x${number.toString(16)}`;
}
