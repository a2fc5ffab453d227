/** The contract as one endpoint shows it at one block. */
import * as AbiFunction from "ox/AbiFunction";
import { z } from "zod";
import {
  type BootKey,
  bootKey,
  type Digest,
  type MemberId,
  memberId,
  term,
} from "../consensus/ids.ts";
import { rosterOf } from "../consensus/roster.ts";
import type { Block, ChainView, MemberRecord } from "../runtime/ports.ts";
import { unreachable } from "./errors.ts";
import { membershipAbi } from "./membership.abi.ts";
import { answerAs, type Endpoint, hexNumber } from "./rpc.ts";

export type Snapshot = {
  readonly chainView: ChainView;
  /** All that the contract says, in one text: equal texts, equal answers at whatever block. */
  readonly text: string;
};

export type ContractReader = {
  /** At the endpoint's newest block; read again only when there is a newer or another one. */
  readonly snapshot: () => Promise<Snapshot>;
  /** Standing and token of a wallet, at the block of `snapshot`. */
  readonly nodeOf: (wallet: MemberId, at: Block) => Promise<NodeAnswer>;
};

export type NodeAnswer = {
  readonly standing: (typeof standings)[number];
  /** The token it is or was last registered with; 0: none. */
  readonly registeredToken: bigint;
  /** A token with which it may register, or is registered; 0: none. */
  readonly knownToken: bigint;
};

/** The contract's `NodeStanding`, in its order. */
const standings = ["none", "genesis", "active", "pending", "left", "revoked"] as const;

const clusterFunction = AbiFunction.fromAbi(membershipAbi, "cluster");
const pendingFunction = AbiFunction.fromAbi(membershipAbi, "pending");
const nodeOfFunction = AbiFunction.fromAbi(membershipAbi, "nodeOf");
const tokenForFunction = AbiFunction.fromAbi(membershipAbi, "tokenFor");

type Cluster = ReturnType<typeof decodeCluster>;
type ListedMember = Cluster["members"][number];

const hexSchema = z.templateLiteral(["0x", z.string().regex(/^[0-9a-f]*$/)]);
const blockSchema = z
  .object({
    number: hexNumber.transform(BigInt),
    hash: hexSchema,
    timestamp: hexNumber.transform(Number),
  })
  .transform(
    ({ number, hash, timestamp }): Block => ({ number, hash, timestampMs: timestamp * 1_000 }),
  );

/** Every method throws ChainError chain.unreachable, or RpcRefusal. */
export function contractReader(
  endpoint: Endpoint,
  contract: string,
  digest: Digest,
): ContractReader {
  let last: Snapshot | null = null;

  async function snapshot(): Promise<Snapshot> {
    const at = await readBlock(endpoint, "latest");
    if (at === null) throw unreachable(`${endpoint.name} has no newest block`);
    if (last?.chainView.block.hash === at.hash) return last;
    const [cluster, pending] = await Promise.all([
      callAt(clusterFunction, [], at).then((data) => decoded(() => decodeCluster(data))),
      callAt(pendingFunction, [], at).then((data) => decoded(() => decodePending(data))),
    ]);
    const text = JSON.stringify([cluster, pending], (_, value: unknown) =>
      typeof value === "bigint" ? value.toString() : value,
    );
    last = { chainView: decoded(() => chainViewOf(cluster, pending, at, digest)), text };
    return last;
  }

  async function nodeOf(wallet: MemberId, at: Block): Promise<NodeAnswer> {
    const address = wallet as `0x${string}`;
    const [node, token] = await Promise.all([
      callAt(nodeOfFunction, [address], at),
      callAt(tokenForFunction, [address], at),
    ]);
    return decoded(() => {
      const { standing, tokenId } = AbiFunction.decodeResult(nodeOfFunction, node);
      const knownToken = AbiFunction.decodeResult(tokenForFunction, token);
      return { standing: standingNamed(standing), registeredToken: tokenId, knownToken };
    });
  }

  async function callAt(
    definition: AbiFunction.AbiFunction,
    parameters: readonly unknown[],
    at: Block,
  ): Promise<`0x${string}`> {
    const data = AbiFunction.encodeData(definition, parameters as never);
    // By hash (EIP-1898): all calls see one block even while the chain is reorganised.
    const answer = await endpoint.call("eth_call", [
      { to: contract, data },
      { blockHash: at.hash },
    ]);
    return decoded(() => hexSchema.parse(answer));
  }

  function decoded<T>(decode: () => T): T {
    try {
      return decode();
    } catch (error) {
      const reason = `${endpoint.name}: the contract's answer cannot be read`;
      throw unreachable(reason, { cause: error });
    }
  }

  return { snapshot, nodeOf };
}

/**
 * @returns null when the endpoint has no such block
 * @throws ChainError chain.unreachable, RpcRefusal
 */
export async function readBlock(endpoint: Endpoint, at: bigint | "latest"): Promise<Block | null> {
  const tag = at === "latest" ? at : `0x${at.toString(16)}`;
  const method = "eth_getBlockByNumber";
  return answerAs(blockSchema.nullable(), await endpoint.call(method, [tag, false]), method);
}

function decodeCluster(data: `0x${string}`) {
  return AbiFunction.decodeResult(clusterFunction, data);
}

function decodePending(data: `0x${string}`) {
  return AbiFunction.decodeResult(pendingFunction, data);
}

function chainViewOf(
  cluster: Cluster,
  pending: readonly ListedMember[],
  block: Block,
  digest: Digest,
): ChainView {
  const members = cluster.members.map(recordOf);
  const leader = members.find(({ slot }) => slot === cluster.leader);
  const started = cluster.term > 0n;
  if (started && leader === undefined) throw new Error("its leader is not among its members");
  return {
    view: {
      term: term(exactNumber(cluster.term)),
      leader: started ? (leader?.id ?? null) : null,
      roster: rosterOf(members, digest),
      coldTerm: term(exactNumber(cluster.coldTerm)),
      revoked: members.filter(({ revoked }) => revoked).map(({ id }) => id),
    },
    genesisSize: cluster.genesisSize,
    members,
    pending: pending.map(recordOf),
    block,
  };
}

function recordOf(member: ListedMember): MemberRecord {
  return {
    slot: member.slot,
    tokenId: member.tokenId,
    id: memberId(member.wallet.toLowerCase()),
    instanceId: member.instanceId.slice(2).toLowerCase(),
    bootKey: bootKeyOf(member.bootKey),
    endpoint: member.endpoint,
    peerEndpoint: member.peerEndpoint,
    revoked: member.revoked,
    departing: member.departing,
  };
}

function standingNamed(position: number): NodeAnswer["standing"] {
  const name = standings[position];
  if (name === undefined) throw new Error(`there is no standing ${position}`);
  return name;
}

function bootKeyOf(word: string): BootKey {
  return bootKey(word.slice(2).toLowerCase());
}

/** Terms are uint64 on-chain and numbers here: beyond 2^53 they would no longer be exact. */
function exactNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new Error(`${value} is beyond 2^53`);
  return number;
}
