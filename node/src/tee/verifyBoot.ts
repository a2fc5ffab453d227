/**
 * Decides whether a boot's proof vouches for its key: what is cheap first, hardware's word after
 * it, the contract's last.
 *
 * Safety assumes: the root's keys are in honest hands, hardware does what its makers say, and the
 * contract's lists name only images and devices that its owner means.
 * Liveness assumes: the chain and the PCCS answer, or have answered within their grace periods.
 */
import { hexToBytes } from "@noble/hashes/utils";
import type { MemberId } from "../consensus/ids.ts";
import type { Appraisal, BootProof, VerifyBoot } from "../runtime/attestation.ts";
import {
  admissionChecks,
  appraisalOf,
  type Evidence,
  type MemberOnRecord,
  type Policy,
  platformChecks,
} from "./appraise.ts";
import type { Certificate } from "./certificates.ts";
import { expectPck, verifyChainOfTrust } from "./chainOfTrust.ts";
import type { ChainSight } from "./chainSight.ts";
import { type Check, rejectFirst } from "./check.ts";
import type { CollateralStore } from "./collateralStore.ts";
import { readEventLog } from "./eventLog.ts";
import { readPck } from "./pck.ts";
import { checkShape } from "./proofShape.ts";
import { parseQuote, QuoteError, unverifiable } from "./quote.ts";
import type { VerifySignatures } from "./quoteSignatures.ts";
import { reportDataCheck, statementChecks, walletCheck } from "./statement.ts";

export type BootVerifier = {
  readonly cluster: { readonly chainId: number; readonly contract: string };
  readonly chain: ChainSight;
  /** What the newest view of the contract says of a member, admitted or waiting. */
  readonly recordOf: (wallet: MemberId) => MemberOnRecord | null;
  readonly root: Certificate;
  readonly collateral: CollateralStore;
  readonly verifySignatures: VerifySignatures;
  readonly policy: Policy;
};

export type BootVerification = {
  /** All there is to ask of a boot that presents itself. */
  readonly verify: VerifyBoot;
  /** Again, of a boot that lives: its proof may have grown old, what it proves must still hold. */
  readonly reverify: VerifyBoot;
};

/**
 * Both refuse with a QuoteError, or with a ChainError when the chain is away for too long. Verdicts
 * are the caller's to keep; `isForWhatItIs` tells which of them tell something of the boot.
 */
export function createBootVerification(verifier: BootVerifier): BootVerification {
  const { chain, cluster } = verifier;

  async function verify(proof: BootProof): Promise<Appraisal> {
    checkShape(proof);
    const quote = parseQuote(hexToBytes(proof.quote));
    expectStatement(statementChecks({ quote, proof }, cluster));
    await chain.expectFresh(proof);
    return await judge(evidenceOf(proof));
  }

  async function reverify(proof: BootProof): Promise<Appraisal> {
    await chain.look();
    return await judge(evidenceOf(proof));
  }

  async function judge(evidence: Evidence): Promise<Appraisal> {
    const { proof, pck, log } = evidence;
    const record = verifier.recordOf(proof.wallet);
    if (record === null) throw unverifiable(`the contract lists no member ${proof.wallet}`);
    rejectFirst(platformChecks(evidence));
    // Before the network is asked for collateral of whatever model it names.
    expectPck(pck, verifier.root);
    const usable = await verifier.collateral.usable(pck, chain.timeMs());
    const root = verifier.root.x509.toString();
    const question = { ...usable, quote: proof.quote, root };
    const trust = await verifyChainOfTrust(question, verifier.verifySignatures);
    const { composeHash, osImageHash } = log.facts;
    const { deviceId } = pck;
    const asked = { composeHash: composeHash ?? "", deviceId, osImageHash };
    const admission = await chain.admission(asked);
    const { policy } = verifier;
    rejectFirst(admissionChecks(evidence, { trust, admission, record, policy }));
    return appraisalOf(evidence, trust);
  }

  return { verify, reverify };
}

/**
 * Reads all parts of a proof.
 *
 * @throws QuoteError quote.malformed
 */
export function evidenceOf(proof: BootProof): Evidence {
  checkShape(proof);
  const quote = parseQuote(hexToBytes(proof.quote));
  return { proof, quote, pck: readPck(quote), log: readEventLog(proof.eventLog) };
}

function expectStatement(checks: readonly Check[]): void {
  for (const { name, ok, expected, actual } of checks) {
    if (ok) continue;
    const sentence = `the proof's ${name} is ${actual}, expected ${expected}`;
    if (name === reportDataCheck) {
      throw new QuoteError({ code: "quote.reportDataMismatch", expected, actual }, sentence);
    }
    if (name === walletCheck) {
      throw new QuoteError({ code: "quote.walletMismatch", expected, actual }, sentence);
    }
  }
  rejectFirst(checks);
}
