/** What a node's quote says: this wallet speaks through this boot key in this cluster, since then. */
import { keccak_256 } from "@noble/hashes/sha3";
import { concatBytes, hexToBytes } from "@noble/hashes/utils";
import * as AbiParameters from "ox/AbiParameters";

export const bootDomain = "dstack-cluster/boot/v1";

export type BootStatement = {
  readonly chainId: number;
  /** Address, 0x-hex. */
  readonly contract: string;
  /** Address, 0x-hex. */
  readonly wallet: string;
  /** 32 bytes, hex without 0x. */
  readonly bootKey: string;
  readonly blockNumber: bigint;
  /** 32 bytes, 0x-hex. */
  readonly blockHash: string;
};

const statementTypes = [
  { name: "domain", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "contract", type: "address" },
  { name: "wallet", type: "address" },
  { name: "bootKey", type: "bytes32" },
  { name: "blockNumber", type: "uint256" },
  { name: "blockHash", type: "bytes32" },
] as const;

/** keccak256 of the statement's `abi.encode`: half of the report data, and what the wallet signs. */
export function bootHash(statement: BootStatement): Uint8Array {
  const encoded = AbiParameters.encode(statementTypes, [
    bootDomain,
    BigInt(statement.chainId),
    hex(statement.contract),
    hex(statement.wallet),
    hex(statement.bootKey),
    statement.blockNumber,
    hex(statement.blockHash),
  ]);
  return keccak_256(hexToBytes(encoded.slice(2)));
}

/** The 64 bytes of report data: the hash, then 32 zero bytes. */
export function bootReportData(statement: BootStatement): Uint8Array {
  return concatBytes(bootHash(statement), new Uint8Array(32));
}

function hex(text: string): `0x${string}` {
  return `0x${text.replace(/^0x/, "").toLowerCase()}`;
}
