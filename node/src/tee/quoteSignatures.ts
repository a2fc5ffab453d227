/**
 * The signatures of a quote, its quoting enclave and its TCB level, by Phala's dcap-qvl.
 *
 * Loaded when it is first asked: the library takes 20 MB, and tens of milliseconds for each quote.
 * Nothing else of the node is loaded with it, for `verifierProcess.ts`.
 */

/** All of it survives a trip to another process. */
export type SignatureQuestion = {
  /** Raw TDX quote, lower-case hex. */
  readonly quote: string;
  /** DER, hex. */
  readonly root: string;
  /** The time at which everything is to be valid, seconds since the Unix epoch. */
  readonly atSeconds: number;
  /** In the library's words; PEM texts hold the very certificates that were checked before. */
  readonly collateral: {
    readonly pck_certificate_chain: string;
    readonly pck_crl_issuer_chain: string;
    readonly tcb_info_issuer_chain: string;
    readonly qe_identity_issuer_chain: string;
    readonly pck_crl: string;
    readonly root_ca_crl: string;
    readonly tcb_info: string;
    readonly tcb_info_signature: string;
    readonly qe_identity: string;
    readonly qe_identity_signature: string;
  };
};

export type SignatureAnswer =
  | {
      readonly kind: "accepted";
      readonly tcbStatus: string;
      readonly advisoryIds: readonly string[];
    }
  /** What the library says against it. */
  | { readonly kind: "refused"; readonly reason: string };

/** Rejects when it cannot be told: that is neither a yes nor a no. */
export type VerifySignatures = (question: SignatureQuestion) => Promise<SignatureAnswer>;

const reasonCharactersMax = 200;

export async function verifySignatures(question: SignatureQuestion): Promise<SignatureAnswer> {
  const { QuoteVerifier } = await import("@phala/dcap-qvl");
  const { quote, root, collateral, atSeconds } = question;
  try {
    const verifier = QuoteVerifier.newWithRootCa(Buffer.from(root, "hex"));
    const report = verifier.verify(Buffer.from(quote, "hex"), collateral, atSeconds);
    return { kind: "accepted", tcbStatus: report.status, advisoryIds: report.advisory_ids };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // Not a matter of trust but of policy: who asks is to see the status.
    const tcbStatus = /^TCB status is invalid: (\w+)$/.exec(message)?.[1];
    if (tcbStatus !== undefined) return { kind: "accepted", tcbStatus, advisoryIds: [] };
    return { kind: "refused", reason: message.slice(0, reasonCharactersMax) };
  }
}
