/** The contract as one endpoint shows it at one block. */
import * as AbiFunction from "ox/AbiFunction";
import { z } from "zod";
import type { Anchor } from "../consensus/checkpoint.ts";
import {
  type BootKey,
  bootKey,
  type Digest,
  hash,
  type MemberId,
  memberId,
  term,
} from "../consensus/ids.ts";
import { rosterOf } from "../consensus/roster.ts";
import type { View } from "../consensus/view.ts";
import type { Block, ChainView, MemberRecord } from "../runtime/ports.ts";
import { unreachable } from "./errors.ts";
import { membershipAbi } from "./membership.abi.ts";
import { answerAs, type Endpoint, hexCount } from "./rpc.ts";
import { hexSchema, viewCalls } from "./viewCalls.ts";

/** All but what one block cannot tell: whether its term is settled (settlement.ts). */
export type ShownView = Omit<View, "settled">;
export type Shown = Omit<ChainView, "view"> & { readonly view: ShownView };

export type Snapshot = {
  readonly shown: Shown;
  /** Hash of the block before, 0x-hex. */
  readonly parentHash: string;
  /** All that the contract says, in one text: equal texts, equal answers at whatever block. */
  readonly text: string;
};

export type ContractReader = {
  /** At the endpoint's newest block; read again only when there is a newer or another one. */
  readonly snapshot: () => Promise<Snapshot>;
  /** The last one read; null before any was. */
  readonly latest: () => Snapshot | null;
  /** `termKey` of what the contract shows at that block; no answer where it is not deployed yet. */
  readonly termAt: (number: bigint) => Promise<string>;
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
const anchorFunction = AbiFunction.fromAbi(membershipAbi, "latestAnchor");
const nodeOfFunction = AbiFunction.fromAbi(membershipAbi, "nodeOf");
const tokenForFunction = AbiFunction.fromAbi(membershipAbi, "tokenFor");

type Cluster = ReturnType<typeof decodeCluster>;
type ListedMember = Cluster["members"][number];
type Said = {
  readonly cluster: Cluster;
  readonly pending: readonly ListedMember[];
  readonly anchor: Anchor | null;
};

const headerSchema = z.object({
  number: hexCount.transform(BigInt),
  hash: hexSchema,
  parentHash: hexSchema,
  timestamp: hexCount.transform(Number),
});
type Header = z.output<typeof headerSchema>;

/** Every method throws ChainError chain.unreachable, or RpcRefusal. */
export function contractReader(
  endpoint: Endpoint,
  contract: string,
  digest: Digest,
): ContractReader {
  const { callAt, decoded } = viewCalls(endpoint, contract);
  let last: Snapshot | null = null;

  async function snapshot(): Promise<Snapshot> {
    const header = await readNewestHeader(endpoint);
    if (last?.shown.block.hash === header.hash) return last;
    const block = blockOf(header);
    const at = { blockHash: block.hash };
    const [cluster, pending, anchor] = await Promise.all([
      callAt(clusterFunction, [], at).then((data) => decoded(() => decodeCluster(data))),
      callAt(pendingFunction, [], at).then((data) => decoded(() => decodePending(data))),
      callAt(anchorFunction, [], at).then((data) => decoded(() => decodeAnchor(data))),
    ]);
    const text = JSON.stringify([cluster, pending, anchor], (_, value: unknown) =>
      typeof value === "bigint" ? value.toString() : value,
    );
    const shown = decoded(() => shownOf({ cluster, pending, anchor }, digest));
    last = { shown: { ...shown, block }, parentHash: header.parentHash, text };
    return last;
  }

  async function termAt(number: bigint): Promise<string> {
    const data = await callAt(clusterFunction, [], tagOf(number));
    const cluster = decoded(() => decodeCluster(data));
    return decoded(() => termKey(shownOf({ cluster, pending: [], anchor: null }, digest).view));
  }

  async function nodeOf(wallet: MemberId, block: Block): Promise<NodeAnswer> {
    const address = wallet as `0x${string}`;
    const at = { blockHash: block.hash };
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

  return { snapshot, latest: () => last, termAt, nodeOf };
}

/** Names a term and all that is fixed while it lasts; two branches of a chain may differ in it. */
export function termKey({ term: number, leader, coldTerm, roster }: ShownView): string {
  return `${number} ${leader} ${coldTerm} ${roster.hash}`;
}

/**
 * @returns null when the endpoint has no such block
 * @throws ChainError chain.unreachable, RpcRefusal
 */
export async function readBlock(endpoint: Endpoint, number: bigint): Promise<Block | null> {
  const header = await readHeader(endpoint, number);
  return header === null ? null : blockOf(header);
}

/** @throws ChainError chain.unreachable, RpcRefusal */
export async function readNewestBlock(endpoint: Endpoint): Promise<Block> {
  return blockOf(await readNewestHeader(endpoint));
}

async function readNewestHeader(endpoint: Endpoint): Promise<Header> {
  const header = await readHeader(endpoint, "latest");
  if (header === null) throw unreachable(`${endpoint.name} has no newest block`);
  return header;
}

async function readHeader(endpoint: Endpoint, at: bigint | "latest"): Promise<Header | null> {
  const method = "eth_getBlockByNumber";
  const answer = await endpoint.call(method, [at === "latest" ? at : tagOf(at), false]);
  return answerAs(headerSchema.nullable(), answer, method);
}

function blockOf({ number, hash, timestamp }: Header): Block {
  return { number, hash, timestampMs: timestamp * 1_000 };
}

function tagOf(number: bigint): string {
  return `0x${number.toString(16)}`;
}

function decodeCluster(data: `0x${string}`) {
  return AbiFunction.decodeResult(clusterFunction, data);
}

function decodePending(data: `0x${string}`) {
  return AbiFunction.decodeResult(pendingFunction, data);
}

/** Index 0 is "none". */
function decodeAnchor(data: `0x${string}`): Anchor | null {
  const { coldTerm, index, logRoot } = AbiFunction.decodeResult(anchorFunction, data);
  if (index === 0n) return null;
  return {
    coldTerm: term(exactNumber(coldTerm)),
    index: exactNumber(index),
    logRoot: hash(logRoot.slice(2).toLowerCase()),
  };
}

function shownOf({ cluster, anchor, ...listed }: Said, digest: Digest): Omit<Shown, "block"> {
  const members = cluster.members.map(recordOf);
  const pending = listed.pending.map(recordOf);
  const leader = members.find(({ slot }) => slot === cluster.leader);
  const started = cluster.term > 0n;
  if (started && leader === undefined) throw new Error("its leader is not among its members");
  const view: ShownView = {
    term: term(exactNumber(cluster.term)),
    leader: started ? (leader?.id ?? null) : null,
    roster: rosterOf(members, digest),
    genesisSize: cluster.genesisSize,
    coldTerm: term(exactNumber(cluster.coldTerm)),
    revoked: members.filter(({ revoked }) => revoked).map(({ id }) => id),
    departing: members.filter(({ departing }) => departing).map(({ id }) => id),
    pending: rosterOf(pending, digest).members,
    anchor,
  };
  return { view, members, pending };
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
