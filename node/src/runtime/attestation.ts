/** Who a boot says it is, and how that is proven: what the TEE adapter provides to the others. */
import type { BootKey, MemberId } from "../consensus/ids.ts";

/** The node's secp256k1 key. Only the TEE adapter holds the key itself; others get signatures. */
export type Wallet = {
  readonly address: MemberId;
  /** Signs 32 bytes as they are: r ‖ s ‖ v, 65 bytes, s low, v 0 or 1. */
  sign(hash: Uint8Array): Uint8Array;
};

/** dstack's proof that the wallet belongs to the app, as the contract takes it. All 0x-hex. */
export type KeyProof = {
  /** 64 bytes, uncompressed without the leading 04. */
  readonly derivedPublicKey: string;
  /** 64 bytes, uncompressed without the leading 04. */
  readonly appPublicKey: string;
  /** The app's key over the derived one, 65 bytes, v 0 or 1. */
  readonly appSignature: string;
  /** The KMS root's key over the app's, 65 bytes, v 0 or 1. */
  readonly kmsSignature: string;
};

export type EnclaveFault =
  | { readonly code: "enclave.unreachable"; readonly reason: string }
  /** The guest agent answered with what no honest agent would. */
  | { readonly code: "enclave.malformed"; readonly reason: string };

/** What a boot presents so that its key counts: the quote binds wallet, key, cluster and block. */
export type BootProof = {
  readonly wallet: MemberId;
  readonly bootKey: BootKey;
  /** Decimal, so that it survives JSON. */
  readonly blockNumber: string;
  readonly blockHash: string;
  /** Raw TDX quote, lower-case hex. */
  readonly quote: string;
  /** The guest agent's event log, JSON text. */
  readonly eventLog: string;
  /** The wallet over the report data, 65 bytes, 0x-hex. */
  readonly signature: string;
  /** That dstack gave this wallet to the app and the instance that the quote measured. */
  readonly keyProof: KeyProof;
};

export type QuoteFault =
  | { readonly code: "quote.malformed"; readonly reason: string }
  | {
      readonly code: "quote.reportDataMismatch";
      readonly expected: string;
      readonly actual: string;
    }
  | { readonly code: "quote.walletMismatch"; readonly expected: string; readonly actual: string }
  | {
      readonly code: "quote.blockUnknown";
      readonly blockNumber: string;
      readonly blockHash: string;
    }
  | { readonly code: "quote.stale"; readonly ageMs: number; readonly ageMsMax: number }
  /** What the quote says, or who signed it, is not what this cluster accepts. */
  | {
      readonly code: "quote.rejected";
      /** Such as "compose hash". */
      readonly check: string;
      readonly expected: string;
      readonly actual: string;
    }
  /** Not judged: neither fresh collateral nor any that may still be used is at hand. */
  | { readonly code: "quote.unverifiable"; readonly reason: string };

/** What a quote that was accepted says of its machine. Hex is lower-case without 0x. */
export type Appraisal = {
  /** 32 bytes. */
  readonly composeHash: string;
  /** 20 bytes each. */
  readonly appId: string;
  readonly instanceId: string;
  /** 32 bytes; null: the machine measured none, as without a KMS. */
  readonly osImageHash: string | null;
  /** SHA-256 of the platform's PPID, 32 bytes. */
  readonly deviceId: string;
  /** Intel's word for the state of the platform's security updates. */
  readonly tcbStatus: string;
  readonly advisoryIds: readonly string[];
};

/** What the contract admits, asked about one quote. Hex is lower-case without 0x. */
export type Admission = {
  /** 20 bytes. */
  readonly appId: string;
  readonly kmsRoot: MemberId;
  readonly composeHashAllowed: boolean;
  /** Listed, or any device is allowed. */
  readonly deviceAllowed: boolean;
  /** Listed, or OS images are not restricted. */
  readonly osImageAllowed: boolean;
  readonly osImagesRestricted: boolean;
  readonly tcbUpToDateRequired: boolean;
};

/** Throws ChainError when the contract cannot be asked. */
export type ReadAdmission = (of: {
  /** 32 bytes each. */
  readonly composeHash: string;
  readonly deviceId: string;
  readonly osImageHash: string | null;
}) => Promise<Admission>;

/** What is known of the attestation of one boot. */
export type Verdict =
  | {
      readonly kind: "verified";
      readonly proof: BootProof;
      readonly appraisal: Appraisal;
      /** When it was last judged, `performance.now()`. */
      readonly atMs: number;
    }
  | {
      readonly kind: "refused";
      readonly proof: BootProof;
      readonly fault: QuoteFault;
      /** One line: the check, what was expected and what was found. */
      readonly reason: string;
      readonly atMs: number;
    };

/**
 * Throws QuoteError when the proof does not vouch for `bootKey`; ChainError when the contract cannot
 * be asked what it admits.
 */
export type VerifyBoot = (proof: BootProof) => Promise<Appraisal>;

/** Verdicts of this process, one a boot key. Whoever presents a boot must have shown that it holds the key. */
export type Verdicts = {
  /** From memory when this boot was verified before, else judged now and remembered. */
  readonly verify: VerifyBoot;
  of(bootKey: BootKey): Verdict | null;
  /** Those of boots that were refused for what they are, not for a proof that came too late. */
  refused(): readonly BootKey[];
  /**
   * Judges again, by what the contract and the collateral say now, all that `keep` names, and
   * forgets the others. What cannot be judged keeps its verdict.
   */
  renew(keep: (bootKey: BootKey) => boolean): Promise<void>;
};
/** This boot's proof, made anew when the last one is getting old. */
export type ProveBoot = () => Promise<BootProof>;
