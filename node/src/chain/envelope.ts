/** One EIP-1559 transaction: its fees and its signature. */
import { hexToBytes } from "@noble/hashes/utils";
import * as TxEnvelope from "ox/TxEnvelopeEip1559";
import type { Wallet } from "../runtime/attestation.ts";

/** In wei per gas. */
export type Fees = { readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint };

export type Unsigned = {
  readonly chainId: number;
  readonly to: `0x${string}`;
  readonly data: `0x${string}`;
  readonly gas: bigint;
  readonly nonce: number;
  readonly fees: Fees;
};

export function signTransaction(
  wallet: Wallet,
  { fees, nonce, ...rest }: Unsigned,
): { readonly raw: `0x${string}`; readonly hash: `0x${string}` } {
  const envelope = TxEnvelope.from({ ...rest, ...fees, nonce: BigInt(nonce) });
  const signature = wallet.sign(hexToBytes(TxEnvelope.getSignPayload(envelope).slice(2)));
  const word = (from: number) =>
    BigInt(`0x${Buffer.from(signature.subarray(from, from + 32)).toString("hex")}`);
  const signed = TxEnvelope.from(envelope, {
    signature: { r: word(0), s: word(32), yParity: signature[64] ?? 0 },
  });
  return { raw: TxEnvelope.serialize(signed), hash: TxEnvelope.hash(signed) };
}

/** Fees that replace a transaction priced `before`: nodes ask for 10 % more at least. */
export function replacing(before: Fees, now: Fees): Fees {
  const raised = (price: bigint) => price + price / 4n + 1n;
  const higher = (a: bigint, b: bigint) => (a > b ? a : b);
  return {
    maxFeePerGas: higher(raised(before.maxFeePerGas), now.maxFeePerGas),
    maxPriorityFeePerGas: higher(raised(before.maxPriorityFeePerGas), now.maxPriorityFeePerGas),
  };
}
