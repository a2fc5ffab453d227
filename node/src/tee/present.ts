/** What a node shows of its attestation, so that anyone may judge it as the members do. */
import { bytesToHex, hexToBytes } from "@noble/hashes/utils";
import type { BootProof, ProveBoot } from "../runtime/attestation.ts";
import type { SignedCheckpoint } from "../runtime/ports.ts";
import type { Attestation } from "../runtime/service.ts";
import type { Collateral } from "./collateral.ts";
import type { Enclave } from "./enclave.ts";
import type { Model } from "./pccs.ts";
import { readPck } from "./pck.ts";
import { parseQuote, QuoteError } from "./quote.ts";
import { bootDomain, bootReportData } from "./reportData.ts";

export type PresenterOptions = {
  readonly cluster: { readonly chainId: number; readonly contract: string };
  readonly enclave: Pick<Enclave, "quote">;
  readonly prove: ProveBoot;
  /** @throws QuoteError */
  readonly collateralFor: (model: Model) => Promise<Collateral>;
  readonly ownCheckpoints: () => readonly SignedCheckpoint[];
};

/**
 * The result takes 32 bytes of hex at most, or null: with a nonce, the quote is a fresh one, and the
 * nonce fills the half of its report data that the boot statement leaves empty.
 *
 * The result throws EnclaveError, ChainError.
 */
export function createPresenter(
  options: PresenterOptions,
): (nonce: string | null) => Promise<Attestation> {
  const { cluster, enclave, prove, ownCheckpoints } = options;
  return async (nonce) => {
    const proof = await prove();
    const { wallet, bootKey, blockNumber, blockHash } = proof;
    const preimage = { domain: bootDomain, ...cluster, wallet, bootKey, blockNumber, blockHash };
    const reportData = bootReportData({ ...preimage, blockNumber: BigInt(blockNumber) });
    if (nonce !== null) reportData.set(hexToBytes(nonce), 32);
    const fresh = nonce === null ? {} : await enclave.quote(reportData);
    const shown: BootProof = { ...proof, ...fresh };
    return {
      ...shown,
      reportData: bytesToHex(reportData),
      preimage,
      collateral: await collateralOf(shown, options),
      checkpoints: ownCheckpoints(),
    };
  };
}

/** null: what would judge this quote is not at hand, and who judges it must find its own. */
async function collateralOf(
  { quote }: BootProof,
  { collateralFor }: PresenterOptions,
): Promise<Collateral | null> {
  try {
    return await collateralFor(readPck(parseQuote(hexToBytes(quote))));
  } catch (error) {
    if (error instanceof QuoteError) return null;
    throw error;
  }
}
