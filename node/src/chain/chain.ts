/**
 * The membership contract as the runtime sees it, through one or more RPC endpoints.
 *
 * Safety assumes: fewer than `rpcQuorum` endpoints lie together about the genesis roster or about a
 * cold start; for all else the protocol's promises carry safety, whatever is read here.
 * Liveness assumes: `rpcQuorum` endpoints answer honestly, and one passes transactions on.
 */
import type { Digest, MemberId } from "../consensus/ids.ts";
import type { KeyProof, ReadAdmission, Wallet } from "../runtime/attestation.ts";
import type { Block, Chain, ChainView, Count, Log, Standing } from "../runtime/ports.ts";
import { admissionReader } from "./admission.ts";
import { agree } from "./agree.ts";
import { createContractCalls } from "./calls.ts";
import { disagreements } from "./disagreements.ts";
import { identifyChain } from "./identify.ts";
import { policyChanges } from "./policyChanges.ts";
import { type Endpoint, rpcEndpoint } from "./rpc.ts";
import { settlement } from "./settlement.ts";
import { type ContractReader, contractReader, readBlock, type Shown, termKey } from "./snapshot.ts";
import { createSender } from "./transactions.ts";

export type ChainOptions = {
  /** http or https; one at least. */
  readonly rpcUrls: readonly string[];
  /** How many endpoints must say the same. */
  readonly rpcQuorum: number;
  /** How many blocks settle a term, the one in which it began included; from 1. */
  readonly confirmations: number;
  /** Address, 0x-hex. */
  readonly contract: string;
  readonly wallet: Wallet;
  readonly keyProof: KeyProof;
  readonly digest: Digest;
  readonly log: Log;
  readonly count: Count;
  /** Told what the node waits for, at every failed attempt to reach the chain at the start. */
  readonly onWaiting?: (reason: string) => void;
  readonly signal?: AbortSignal;
  readonly callTimeoutMs?: number;
  readonly minedTimeoutMs?: number;
};

export type ClusterChain = Chain & {
  /** The newest block, as of now. */
  head(): Promise<Block>;
  /** The block of that number on the present chain; null when there is none. */
  blockAt(number: bigint): Promise<Block | null>;
  readonly readAdmission: ReadAdmission;
  /** Whether what `readAdmission` reads changed in blocks `from` to `to`, by any endpoint's word. */
  readonly policyChanged: (from: bigint, to: bigint) => Promise<boolean>;
  /** Endpoints, such as "rpc 2 (host:port)", that said otherwise than a quorum when last read. */
  disagreeing(): readonly string[];
};

/**
 * Resolves once the endpoints have said which chain this is and that the contract is there.
 *
 * @throws ChainError chain.wrongContract; the signal's reason, once it is aborted
 */
export async function openChain(options: ChainOptions): Promise<ClusterChain> {
  const { rpcUrls, rpcQuorum, confirmations, wallet, keyProof, digest, log, count } = options;
  const { callTimeoutMs = 2_000, minedTimeoutMs = 30_000 } = options;
  const contract = options.contract.toLowerCase();
  const endpoints = rpcUrls.map((url, at) => rpcEndpoint(url, at, callTimeoutMs));
  const readers = new Map(
    endpoints.map((endpoint) => [endpoint, contractReader(endpoint, contract, digest)] as const),
  );
  const { onWaiting, signal } = options;
  const identification = { endpoints, quorum: rpcQuorum, contract, readerOf, log };
  const chainId = await identifyChain({ ...identification, onWaiting, signal });
  const { note: noteDisagreement, disagreeing } = disagreements(log, count);
  const isSettled = settlement({ endpoints, quorum: rpcQuorum, readerOf, confirmations, log });
  let newest: { readonly text: string; readonly chainView: ChainView } | null = null;

  async function read(): Promise<ChainView> {
    const { shown, text } = await agree(endpoints, rpcQuorum, {
      ask: (endpoint) => readerOf(endpoint).snapshot(),
      keyOf: ({ text }) => text,
      // An endpoint that lags must not take the node back while others may know better.
      preferred: ({ shown }) =>
        newest === null || shown.block.number >= newest.chainView.block.number,
      onSettled: noteDisagreement,
    });
    const settled = await isSettled(termKey(shown.view));
    const known = newest?.chainView;
    const same = newest?.text === text && known?.block.hash === shown.block.hash;
    if (known !== undefined && same && known.view.settled === settled) return known;
    newest = { text, chainView: { ...shown, view: { ...shown.view, settled } } };
    return newest.chainView;
  }

  async function standing(): Promise<Standing> {
    return await agree(endpoints, rpcQuorum, {
      ask: async (endpoint) => {
        const reader = readerOf(endpoint);
        return standingOf(wallet.address, reader, (await reader.snapshot()).shown);
      },
      keyOf: (found) => Object.values(found).map(String).join(" "),
    });
  }

  function readerOf(endpoint: Endpoint): ContractReader {
    const reader = readers.get(endpoint);
    if (reader === undefined) throw new Error(`no reader for ${endpoint.name}`);
    return reader;
  }

  const send = createSender({ endpoints, chainId, contract, wallet, count, minedTimeoutMs });
  return {
    chainId,
    contract,
    read,
    standing,
    ...createContractCalls(send, keyProof),
    disagreeing,
    readAdmission: admissionReader({
      endpoints,
      quorum: rpcQuorum,
      contract,
      newestNumber: () => newest?.chainView.block.number ?? 0n,
    }),
    policyChanged: policyChanges(endpoints, contract),
    head: async () => (await read()).block,
    blockAt: (number) =>
      agree(endpoints, rpcQuorum, {
        ask: (endpoint) => readBlock(endpoint, number),
        keyOf: (block) => block?.hash ?? "none",
      }),
  };
}

async function standingOf(
  wallet: MemberId,
  reader: ContractReader,
  { view, members, pending, block }: Shown,
): Promise<Standing> {
  const known = [...members, ...pending].find(({ id }) => id === wallet);
  if (known !== undefined) {
    const { tokenId, bootKey } = known;
    return {
      kind: "registered",
      tokenId,
      bootKey,
      waiting: view.term === 0 || pending.includes(known),
    };
  }
  const node = await reader.nodeOf(wallet, block);
  if (node.standing === "revoked") return { kind: "revoked", tokenId: node.registeredToken };
  if (node.knownToken !== 0n) return { kind: "token", tokenId: node.knownToken };
  return { kind: "no-token", wallet };
}
