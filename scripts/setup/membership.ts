/** What the contract says of nodes and their tokens, at one block. */
import * as AbiFunction from "ox/AbiFunction";
import * as Hex from "ox/Hex";
import { z } from "zod";
import { membershipAbi } from "../../node/src/chain/membership.abi.ts";
import { answerAs, type Endpoint } from "../../node/src/chain/rpc.ts";
import { hexAnswer } from "./outbox.ts";

export type Seat = {
  readonly slot: number;
  readonly tokenId: bigint;
  /** Lower case. */
  readonly wallet: string;
  /** Where clients find the node. */
  readonly endpoint: string;
  readonly departing: boolean;
  readonly revoked: boolean;
};

export type Membership = {
  readonly term: number;
  /** Ascending by slot, both. */
  readonly members: readonly Seat[];
  readonly pending: readonly Seat[];
};

/** The contract's `NodeStanding`, in its order. */
const standings = ["none", "genesis", "active", "pending", "left", "revoked"] as const;
export type Standing = (typeof standings)[number];

export type NodeOnChain = {
  readonly standing: Standing;
  /** The token it is registered with, or else one with which it may register; 0: none. */
  readonly tokenId: bigint;
};

/** Reads one contract; every method throws ChainError, or RpcRefusal. */
export type MembershipReader = {
  membership(): Promise<Membership>;
  node(wallet: string): Promise<NodeOnChain>;
  /** How many tokens there are; their ids count from 1. */
  tokenCount(): Promise<bigint>;
};

const functions = {
  cluster: AbiFunction.fromAbi(membershipAbi, "cluster"),
  pending: AbiFunction.fromAbi(membershipAbi, "pending"),
  nodeOf: AbiFunction.fromAbi(membershipAbi, "nodeOf"),
  tokenFor: AbiFunction.fromAbi(membershipAbi, "tokenFor"),
  totalMinted: AbiFunction.fromAbi(membershipAbi, "totalMinted"),
};

type ListedMember = ReturnType<typeof decodePending>[number];

const bytesSchema = z.templateLiteral(["0x", z.string().regex(/^[0-9a-f]*$/)]);

export function membershipReader(rpc: Endpoint, contract: string): MembershipReader {
  /** A block's number, so that several answers show one moment. */
  const at = async () => Hex.fromNumber(await hexAnswer(rpc, "eth_blockNumber", []));
  const ask = async (data: string, block: string) =>
    answerAs(
      bytesSchema,
      await rpc.call("eth_call", [{ to: contract, data }, block]),
      "eth_call of the membership contract",
    );
  return {
    async membership() {
      const block = await at();
      const [cluster, pending] = await Promise.all([
        ask(AbiFunction.encodeData(functions.cluster), block),
        ask(AbiFunction.encodeData(functions.pending), block),
      ]);
      const { term, members } = AbiFunction.decodeResult(functions.cluster, cluster);
      return {
        term: Number(term),
        members: members.map(seatOf),
        pending: decodePending(pending).map(seatOf),
      };
    },
    async node(wallet) {
      const [block, account] = [await at(), wallet as `0x${string}`];
      const [nodeOf, tokenFor] = await Promise.all([
        ask(AbiFunction.encodeData(functions.nodeOf, [account]), block),
        ask(AbiFunction.encodeData(functions.tokenFor, [account]), block),
      ]);
      const { standing } = AbiFunction.decodeResult(functions.nodeOf, nodeOf);
      return {
        standing: standings[standing] ?? "none",
        tokenId: AbiFunction.decodeResult(functions.tokenFor, tokenFor),
      };
    },
    async tokenCount() {
      const answer = await ask(AbiFunction.encodeData(functions.totalMinted), await at());
      return AbiFunction.decodeResult(functions.totalMinted, answer);
    },
  };
}

function decodePending(answer: `0x${string}`) {
  return AbiFunction.decodeResult(functions.pending, answer);
}

function seatOf(member: ListedMember): Seat {
  const { slot, tokenId, endpoint, departing, revoked } = member;
  return { slot, tokenId, wallet: member.wallet.toLowerCase(), endpoint, departing, revoked };
}
