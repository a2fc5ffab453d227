/** What a proof claims beside its quote: that report data and wallet stand for this boot. */
import { bytesToHex, hexToBytes } from "@noble/hashes/utils";
import type { BootProof } from "../runtime/attestation.ts";
import { type Check, check } from "./check.ts";
import type { Quote } from "./quote.ts";
import { bootHash } from "./reportData.ts";
import { addressOf, personalHash, recoverPublicKey } from "./wallet.ts";

export const reportDataCheck = "report data";
export const walletCheck = "wallet signature";

/**
 * @param proof of checked shape (`checkShape`)
 * @param cluster the one that the caller means, not the one that the proof names
 * @param nonce the second half of the report data, 32 bytes of hex; zeros when the quote is the
 *   boot's own and not one that was asked for
 */
export function statementChecks(
  { quote, proof }: { readonly quote: Quote; readonly proof: BootProof },
  cluster: { readonly chainId: number; readonly contract: string },
  nonce: string = "00".repeat(32),
): readonly Check[] {
  const blockNumber = BigInt(proof.blockNumber);
  const hash = bootHash({ ...cluster, ...proof, blockNumber });
  const signature = hexToBytes(proof.signature.slice(2));
  // As people's wallets write it, v is 27 or 28.
  signature.set([(signature[64] ?? 0) - 27], 64);
  const signer = recoverPublicKey(personalHash(hash), signature);
  return [
    check(reportDataCheck, `${bytesToHex(hash)}${nonce}`, quote.reportData),
    check(walletCheck, proof.wallet, signer === null ? "nobody" : addressOf(signer)),
  ];
}
