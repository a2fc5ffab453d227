/**
 * Remembers what became of each boot that was judged, so that a reconnecting peer costs a lookup
 * and a refused one is known to those that choose members.
 *
 * Safety assumes: whoever presents a boot has shown that it holds the boot's key. A host may run
 * clones without number, each with a key of its own: they displace one another, and no verdict that
 * the last renewal kept.
 */
import { createHash } from "node:crypto";
import type { BootKey } from "../consensus/ids.ts";
import { ClusterError } from "../errors.ts";
import type {
  Appraisal,
  BootProof,
  QuoteFault,
  Verdict,
  Verdicts,
} from "../runtime/attestation.ts";
import type { Count } from "../runtime/ports.ts";
import { QuoteError } from "./quote.ts";
import type { BootVerification } from "./verifyBoot.ts";

export type VerdictsOptions = {
  readonly verification: BootVerification;
  /** attestation_refused_total{check}. */
  readonly count: Count;
  readonly clockMs?: () => number;
};

type Kept = { readonly verdict: Verdict; isPinned: boolean };

const unpinnedPerWalletMax = 8;
const unpinnedMax = 1_024;
/** A refused boot that asks again and again is judged again this often: lists change. */
const refusalHoldsMs = 5_000;

export function createVerdicts(options: VerdictsOptions): Verdicts {
  const { verification, count, clockMs = () => performance.now() } = options;
  const kept = new Map<BootKey, Kept>();
  const underWay = new Map<string, Promise<Appraisal>>();

  async function verify(proof: BootProof): Promise<Appraisal> {
    const known = kept.get(proof.bootKey)?.verdict;
    if (known?.proof.wallet === proof.wallet) {
      if (known.kind === "verified") return known.appraisal;
      const isRecent = clockMs() - known.atMs < refusalHoldsMs;
      if (isRecent) throw new QuoteError(known.fault, known.reason);
    }
    const name = createHash("sha256").update(JSON.stringify(proof)).digest("hex");
    const shared = underWay.get(name);
    if (shared !== undefined) return await shared;
    const judging = judge(proof, verification.verify).finally(() => underWay.delete(name));
    underWay.set(name, judging);
    return await judging;
  }

  /** Notes the verdict, when it is one: what could not be judged leaves none. */
  async function judge(
    proof: BootProof,
    by: (proof: BootProof) => Promise<Appraisal>,
  ): Promise<Appraisal> {
    try {
      const appraisal = await by(proof);
      note({ kind: "verified", proof, appraisal, atMs: clockMs() });
      return appraisal;
    } catch (error) {
      count("attestation_refused_total", { check: checkOf(error) });
      if (error instanceof QuoteError && isForWhatItIs(error.fault)) {
        const { fault, message: reason } = error;
        note({ kind: "refused", proof, fault, reason, atMs: clockMs() });
      }
      throw error;
    }
  }

  function note(verdict: Verdict): void {
    const { bootKey, wallet } = verdict.proof;
    const isPinned = kept.get(bootKey)?.isPinned ?? false;
    kept.delete(bootKey);
    kept.set(bootKey, { verdict, isPinned });
    const unpinned = [...kept].filter(([, one]) => !one.isPinned).map(([key]) => key);
    const ofWallet = unpinned.filter((key) => kept.get(key)?.verdict.proof.wallet === wallet);
    const [oldest] = unpinned;
    const [oldestOfWallet] = ofWallet;
    if (ofWallet.length > unpinnedPerWalletMax && oldestOfWallet !== undefined) {
      kept.delete(oldestOfWallet);
    } else if (unpinned.length > unpinnedMax && oldest !== undefined) {
      kept.delete(oldest);
    }
  }

  async function renew(keep: (bootKey: BootKey) => boolean): Promise<void> {
    for (const [bootKey, one] of [...kept]) {
      if (!keep(bootKey)) {
        kept.delete(bootKey);
        continue;
      }
      one.isPinned = true;
      // One after the other: nobody waits for them, and others may for the thread.
      await judge(one.verdict.proof, verification.reverify).catch(() => null);
    }
  }

  return {
    verify,
    of: (bootKey) => kept.get(bootKey)?.verdict ?? null,
    refused: () =>
      [...kept].filter(([, { verdict }]) => verdict.kind === "refused").map(([key]) => key),
    renew,
  };
}

/** Whether a fault says something of the boot; the others may be gone the next time. */
export function isForWhatItIs({ code }: QuoteFault): boolean {
  switch (code) {
    case "quote.malformed":
    case "quote.reportDataMismatch":
    case "quote.walletMismatch":
    case "quote.rejected":
      return true;
    case "quote.blockUnknown":
    case "quote.stale":
    case "quote.unverifiable":
      return false;
    default:
      return code satisfies never;
  }
}

/** What was wrong, in few words: a label of metrics, hence one of few. */
export function checkOf(error: unknown): string {
  if (error instanceof QuoteError && error.fault.code === "quote.rejected")
    return error.fault.check;
  return error instanceof ClusterError ? error.fault.code : "error";
}
