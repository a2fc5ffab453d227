/**
 * The membership contract as the verifier's own RPC endpoints show it: all of them must agree.
 *
 * Safety assumes: one of the endpoints is honest.
 */
import { keccak_256 } from "@noble/hashes/sha3";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils";
import { admissionReader } from "../../node/src/chain/admission.ts";
import { agree } from "../../node/src/chain/agree.ts";
import { ChainError } from "../../node/src/chain/errors.ts";
import {
  answerAs,
  type Endpoint,
  hexNumber,
  hexText,
  RpcRefusal,
} from "../../node/src/chain/rpc.ts";
import {
  type ContractReader,
  contractReader,
  readBlock,
  type Shown,
} from "../../node/src/chain/snapshot.ts";
import type { ReadAdmission } from "../../node/src/runtime/attestation.ts";
import type { Block } from "../../node/src/runtime/ports.ts";
import { sha256Chain } from "../../node/src/storage/digest.ts";

export type ClusterOnChain = Shown & {
  readonly chainId: number;
  /** Lower-case 0x-hex. */
  readonly contract: string;
  /** keccak256 of the code that lies there, 0x-hex. */
  readonly codeHash: string;
};

export type Contract = {
  /** Host and port of each endpoint; paths stay out, they may hold API keys. */
  readonly endpoints: readonly string[];
  /** @throws ChainError when an endpoint is away, they disagree, or it is another contract */
  readonly read: () => Promise<ClusterOnChain>;
  /** The block of that number; null when there is none. @throws ChainError */
  readonly blockAt: (number: bigint) => Promise<Block | null>;
  readonly readAdmission: ReadAdmission;
};

type Answer =
  | { readonly kind: "cluster"; readonly cluster: Omit<ClusterOnChain, "contract">; text: string }
  | { readonly kind: "other"; readonly text: string };

export function openContract(endpoints: readonly Endpoint[], address: string): Contract {
  const contract = address.toLowerCase();
  const readers = new Map(
    endpoints.map((endpoint) => [endpoint, contractReader(endpoint, contract, sha256Chain)]),
  );
  const quorum = endpoints.length;
  let newestNumber = 0n;

  async function ask(endpoint: Endpoint): Promise<Answer> {
    const [id, code] = await Promise.all([
      endpoint.call("eth_chainId", []).then((one) => answerAs(hexNumber, one, "eth_chainId")),
      endpoint
        .call("eth_getCode", [contract, "latest"])
        .then((one) => answerAs(hexText, one, "eth_getCode")),
    ]);
    const chainId = Number(id);
    if (code === "0x") return { kind: "other", text: `no code lies there, on chain ${chainId}` };
    const codeHash = `0x${bytesToHex(keccak_256(hexToBytes(code.slice(2))))}`;
    try {
      const snapshot = await readerOf(endpoint).snapshot();
      const text = `${chainId} ${codeHash} ${snapshot.text}`;
      return { kind: "cluster", cluster: { ...snapshot.shown, chainId, codeHash }, text };
    } catch (error) {
      const isRevert = error instanceof RpcRefusal && error.revertData !== null;
      if (!isRevert) throw error;
      return { kind: "other", text: `it refuses cluster(), on chain ${chainId}` };
    }
  }

  function readerOf(endpoint: Endpoint): ContractReader {
    const reader = readers.get(endpoint);
    if (reader === undefined) throw new Error(`no reader for ${endpoint.name}`);
    return reader;
  }

  return {
    endpoints: endpoints.map(({ name }) => name),
    async read() {
      const answer = await agree(endpoints, quorum, { ask, keyOf: ({ text }) => text });
      if (answer.kind === "other") throw wrongContract(contract, answer.text);
      newestNumber = answer.cluster.block.number;
      return { ...answer.cluster, contract };
    },
    blockAt: (number) =>
      agree(endpoints, quorum, {
        ask: (endpoint) => readBlock(endpoint, number),
        keyOf: (block) => block?.hash ?? "none",
      }),
    readAdmission: admissionReader({
      endpoints,
      quorum,
      contract,
      newestNumber: () => newestNumber,
    }),
  };
}

function wrongContract(contract: string, reason: string): ChainError {
  return new ChainError(
    { code: "chain.wrongContract", contract, reason },
    `${contract} is not the membership contract: ${reason}`,
  );
}
