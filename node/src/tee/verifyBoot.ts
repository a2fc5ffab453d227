/**
 * Decides whether a boot's proof vouches for its key.
 *
 * Safety assumes: `verifyChainOfTrust` accepts only quotes that honest hardware signed for an
 * allowed image. Everything else here binds such a quote to this wallet, key, cluster and time.
 * Liveness assumes: the chain answers, or has answered within `graceMs`.
 *
 * Freshness is measured by the chain's clock alone, from the proof's block to the newest one: hosts
 * control local clocks. While the chain is away a host could pass off a quote that is older than it
 * should be, though never for another key; `graceMs` bounds for how long.
 */
import { hexToBytes } from "@noble/hashes/utils";
import { z } from "zod";
import type { MemberId } from "../consensus/ids.ts";
import { ClusterError } from "../errors.ts";
import type { Appraisal, BootProof, VerifyBoot } from "../runtime/attestation.ts";
import type { Block, Log } from "../runtime/ports.ts";
import { parseQuote, type Quote, QuoteError } from "./quote.ts";
import { bootHash } from "./reportData.ts";
import { addressOf, personalHash, recoverPublicKey } from "./wallet.ts";

/**
 * Checks certificates, TCB, measurements and the event log of a quote that is otherwise in order.
 *
 * @throws QuoteError quote.rejected
 */
export type VerifyChainOfTrust = (quote: Quote, proof: BootProof) => Promise<Appraisal>;

/**
 * Stands where the chain of trust will be checked, and says so once: with it, a quote shows what it
 * says but not that hardware signed it. Anyone with a member's place on the roster could forge one.
 */
export function leaveChainOfTrustUnverified(log: Log): VerifyChainOfTrust {
  let said = false;
  return async () => {
    if (!said) log.warn({}, "quotes' chain of trust is not verified yet: their origin is unproven");
    said = true;
    return unappraised;
  };
}

const unappraised: Appraisal = {
  composeHash: "",
  appId: "",
  instanceId: "",
  osImageHash: null,
  deviceId: "",
  tcbStatus: "unknown",
  advisoryIds: [],
};

export type BootVerifier = {
  readonly cluster: { readonly chainId: number; readonly contract: string };
  readonly head: () => Promise<Block>;
  /** The block of that number on the present chain; null when there is none. */
  readonly blockAt: (number: bigint) => Promise<Block | null>;
  readonly verifyChainOfTrust: VerifyChainOfTrust;
  readonly log: Log;
  /** How far the proof's block may lie behind the newest, by their timestamps. */
  readonly ageMsMax?: number;
  /** How long after the chain's last answer proofs are accepted without their block. */
  readonly graceMs?: number;
  readonly nowMs?: () => number;
};

const hexOf = (bytes: number, prefix = "") => new RegExp(`^${prefix}[0-9a-f]{${bytes * 2}}$`);
const publicKey = z.string().regex(hexOf(64, "0x"), "expected 64 bytes of 0x-hex");
const dstackSignature = z.string().regex(/^0x[0-9a-f]{128}0[01]$/, "expected 65 bytes of 0x-hex");
const proofSchema = z.object({
  wallet: z.string().regex(hexOf(20, "0x"), "expected an address in lower case"),
  bootKey: z.string().regex(hexOf(32), "expected 32 bytes of hex"),
  blockNumber: z.string().regex(/^(0|[1-9][0-9]{0,18})$/, "expected a decimal number"),
  blockHash: z.string().regex(hexOf(32, "0x"), "expected 32 bytes of 0x-hex"),
  quote: z
    .string()
    .max(40_960)
    .regex(/^(?:[0-9a-f]{2})*$/, "expected lower-case hex"),
  eventLog: z.string().max(1_048_576),
  signature: z.string().regex(/^0x[0-9a-f]{128}1[bc]$/, "expected 65 bytes of 0x-hex"),
  keyProof: z.object({
    derivedPublicKey: publicKey,
    appPublicKey: publicKey,
    appSignature: dstackSignature,
    kmsSignature: dstackSignature,
  }),
});

/**
 * The result refuses with a QuoteError: quote.malformed, quote.reportDataMismatch,
 * quote.walletMismatch, quote.blockUnknown, quote.stale, or what `verifyChainOfTrust` throws; with
 * a ChainError when the chain has not answered within `graceMs`. Verdicts are the caller's to keep.
 */
export function createBootVerifier(verifier: BootVerifier): VerifyBoot {
  const { ageMsMax = 600_000, graceMs = 3_600_000 } = verifier;
  const { nowMs = () => performance.now(), log } = verifier;
  let lastHead: { readonly block: Block; readonly seenMs: number } | null = null;

  async function verifyBoot(proof: BootProof): Promise<Appraisal> {
    checkShape(proof);
    const quote = parseQuote(hexToBytes(proof.quote));
    const hash = bootHash({
      ...verifier.cluster,
      ...proof,
      blockNumber: BigInt(proof.blockNumber),
    });
    checkReportData(quote, hash);
    checkWallet(proof, hash);
    await checkFreshness(proof);
    return await verifier.verifyChainOfTrust(quote, proof);
  }

  async function checkFreshness(proof: BootProof): Promise<void> {
    const number = BigInt(proof.blockNumber);
    const seen = await Promise.all([verifier.head(), verifier.blockAt(number)]).catch(
      (error: unknown) => {
        if (!(error instanceof ClusterError)) throw error;
        const silentMs = lastHead === null ? Number.POSITIVE_INFINITY : nowMs() - lastHead.seenMs;
        if (silentMs > graceMs) throw error;
        log.warn({ boot: proof.bootKey }, "the chain is away: a proof's block was not looked up");
        return null;
      },
    );
    if (seen === null) return;
    const [head, block] = seen;
    lastHead = { block: head, seenMs: nowMs() };
    if (block === null || block.hash !== proof.blockHash) throw blockUnknown(proof);
    const ageMs = head.timestampMs - block.timestampMs;
    if (ageMs > ageMsMax) {
      throw new QuoteError(
        { code: "quote.stale", ageMs, ageMsMax },
        `the quote's block is ${ageMs} ms older than the newest, at most ${ageMsMax} ms accepted`,
      );
    }
  }

  return verifyBoot;
}

function checkShape(proof: BootProof): void {
  const checked = proofSchema.safeParse(proof);
  if (checked.success) return;
  const reason = checked.error.issues
    .map(({ path, message }) => `${path.join(".")}: ${message}`)
    .join("; ");
  throw new QuoteError({ code: "quote.malformed", reason }, `not a boot proof: ${reason}`);
}

function checkReportData(quote: Quote, hash: Uint8Array): void {
  const expected = `${Buffer.from(hash).toString("hex")}${"00".repeat(32)}`;
  const actual = quote.reportData;
  if (actual === expected) return;
  throw new QuoteError(
    { code: "quote.reportDataMismatch", expected, actual },
    `the quote's report data is ${actual}, expected ${expected} for this boot and cluster`,
  );
}

function checkWallet(proof: BootProof, hash: Uint8Array): void {
  const signature = hexToBytes(proof.signature.slice(2));
  signature.set([(signature[64] ?? 0) - 27], 64);
  const publicKey = recoverPublicKey(personalHash(hash), signature);
  const actual: MemberId | "nobody" = publicKey === null ? "nobody" : addressOf(publicKey);
  if (actual === proof.wallet) return;
  throw new QuoteError(
    { code: "quote.walletMismatch", expected: proof.wallet, actual },
    `the proof is signed by ${actual}, expected ${proof.wallet}`,
  );
}

function blockUnknown({ blockNumber, blockHash }: BootProof): QuoteError {
  return new QuoteError(
    { code: "quote.blockUnknown", blockNumber, blockHash },
    `the quote names block ${blockNumber} ${blockHash}, which is not on the chain as seen here`,
  );
}
