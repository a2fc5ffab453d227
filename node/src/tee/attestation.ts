/** Joins the parts that judge boots: root, collateral, thread, chain, verdicts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BootKey, MemberId } from "../consensus/ids.ts";
import { ClusterError } from "../errors.ts";
import type { ProveBoot, Verdicts } from "../runtime/attestation.ts";
import type { ChainView, Count, Log } from "../runtime/ports.ts";
import type { MemberOnRecord, Policy } from "./appraise.ts";
import type { Certificate } from "./certificates.ts";
import { readRoot } from "./chainOfTrust.ts";
import { type ChainSightOptions, createChainSight } from "./chainSight.ts";
import type { Collateral } from "./collateral.ts";
import { createCollateralStore } from "./collateralStore.ts";
import type { Enclave } from "./enclave.ts";
import { intelRoot } from "./intelRoot.ts";
import { readOsMeasurements } from "./osMeasurements.ts";
import { watchOwnProof } from "./ownProof.ts";
import type { Model } from "./pccs.ts";
import { createBootProver } from "./proveBoot.ts";
import { createVerdicts } from "./verdicts.ts";
import { createVerifierProcess } from "./verifierProcess.ts";
import { type BootVerifier, createBootVerification } from "./verifyBoot.ts";

/** What this node trusts and accepts: read once, before anything is started. */
export type TrustSettings = { readonly root: Certificate; readonly policy: Policy };

/**
 * @param files.attestationRoot a file, PEM or DER; undefined: Intel's root
 * @param files.osMeasurements a file; undefined: any image
 * @throws ClusterError attestation.unusable, naming the file and what is wrong with it
 */
export function readTrustSettings(files: {
  readonly attestationRoot: string | undefined;
  readonly osMeasurements: string | undefined;
  readonly tcbStatusesAllowed: readonly string[];
}): TrustSettings {
  const { attestationRoot, osMeasurements, tcbStatusesAllowed } = files;
  return {
    root: reading("ATTESTATION_ROOT", attestationRoot, (file) =>
      readRoot(file === undefined ? Buffer.from(intelRoot) : readFileSync(file)),
    ),
    policy: {
      tcbStatusesAllowed,
      osMeasurements: reading("OS_MEASUREMENTS", osMeasurements, (file) =>
        file === undefined ? [] : readOsMeasurements(file),
      ),
    },
  };
}

export type AttestationOptions = {
  readonly settings: TrustSettings;
  readonly enclave: Enclave;
  readonly bootKey: BootKey;
  readonly chain: Cluster & Pick<ChainSightOptions, "head" | "blockAt" | "readAdmission">;
  /** The contract as last read. */
  readonly newestView: () => Pick<ChainView, "members" | "pending"> | null;
  /** Told whether the others would accept this boot: null, or why not. */
  readonly onOwnProof: (problem: string | null) => void;
  readonly pccsUrl: string;
  readonly dataDir: string;
  readonly collateralGraceMs: number;
  readonly quoteAgeMsMax: number;
  readonly reattestEveryMs: number;
  readonly log: Log;
  readonly count: Count;
  readonly signal: AbortSignal;
};
type Cluster = BootVerifier["cluster"];

export type AttestationParts = {
  readonly prove: ProveBoot;
  readonly verdicts: Verdicts;
  /** @throws QuoteError quote.unverifiable */
  collateralFor(model: Model): Promise<Collateral>;
  close(): void;
};

const hourMs = 3_600_000;
/** A verdict that holds is a lookup; one that does not is asked for anew about this often. */
const ownProofMs = 5_000;

/** Proves this boot, judges others, and judges its own proof as it does theirs. */
export function openAttestation(options: AttestationOptions): AttestationParts {
  const { settings, enclave, bootKey, chain, log, count } = options;
  const cluster = { chainId: chain.chainId, contract: chain.contract };
  const { head, blockAt } = chain;
  const prove = createBootProver({ enclave, bootKey, cluster, head, blockAt, log });
  const sight = createChainSight({
    ...{ head, blockAt, log, readAdmission: chain.readAdmission },
    ageMsMax: options.quoteAgeMsMax,
    graceMs: hourMs,
  });
  const collateral = createCollateralStore({
    pccsUrl: options.pccsUrl,
    root: settings.root,
    directory: join(options.dataDir, "collateral"),
    graceMs: options.collateralGraceMs,
    // Judging again by what was known the last time would find the same.
    refreshAfterMs: Math.min(hourMs, options.reattestEveryMs),
    log,
  });
  const signatures = createVerifierProcess();
  const recordOf = (id: MemberId) => recordIn(options, id);
  const verification = createBootVerification({
    ...{ cluster, recordOf, collateral, ...settings },
    verifySignatures: signatures.verify,
    chain: sight,
  });
  const verdicts = createVerdicts({ verification, count });
  const { onOwnProof: tell, signal } = options;
  // By the same verdicts as others: lists that change are heard of for this boot too.
  void watchOwnProof({ prove, verify: verdicts.verify, tell, log, everyMs: ownProofMs, signal });
  return {
    prove,
    verdicts,
    collateralFor: async (model) => (await collateral.usable(model, sight.timeMs())).collateral,
    close: signatures.close,
  };
}

function recordIn(
  { newestView, enclave }: AttestationOptions,
  id: MemberId,
): MemberOnRecord | null {
  const view = newestView();
  const listed = [...(view?.members ?? []), ...(view?.pending ?? [])];
  const record = listed.find((member) => member.id === id);
  // A node that is not registered yet is what it will register as.
  return record ?? (id === enclave.wallet.address ? enclave : null);
}

function reading<Value>(
  variable: string,
  file: string | undefined,
  read: (file: string | undefined) => Value,
): Value {
  try {
    return read(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const fault = { code: "attestation.unusable", variable, file, reason };
    throw new ClusterError(fault, `${variable}: ${file} cannot be used: ${reason}`);
  }
}
