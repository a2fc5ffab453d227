/**
 * Whether hardware that the root vouches for signed a quote, and how up to date that hardware is.
 *
 * Signatures of quote and enclave, the enclave's identity and the TCB level are left to Phala's
 * dcap-qvl. Around it stands what it leaves out: signatures, issuers and dates of revocation lists,
 * the right list for each certificate, that issuers are authorities, the TDX module's level, and
 * that the collateral is for the model at hand.
 *
 * Safety assumes: the root's keys, and those that it certified, are in honest hands; hardware does
 * what its makers say.
 */
import { createPublicKey } from "node:crypto";
import { hexToBytes } from "@noble/hashes/utils";
import {
  type Certificate,
  CertificateError,
  expectChain,
  expectValidAt,
  nameOf,
  pemOf,
  readCertificate,
  readChain,
} from "./certificates.ts";
import {
  type CheckedCollateral,
  type Collateral,
  checkCollateral,
  expectCollateralAt,
  expectNotRevoked,
} from "./collateral.ts";
import { type Pck, readPck } from "./pck.ts";
import { parseQuote, rejected, unverifiable } from "./quote.ts";
import { type VerifySignatures, verifySignatures } from "./quoteSignatures.ts";
import { converge, type TcbState, tdxModuleState } from "./tdxModule.ts";

export type TrustQuestion = {
  /** Raw TDX quote, lower-case hex. */
  readonly quote: string;
  readonly collateral: Collateral;
  /** What `checkCollateral` says of it, when it was asked before. */
  readonly checked?: CheckedCollateral;
  /** PEM, one certificate. */
  readonly root: string;
  /** The time at which everything is to be valid, milliseconds since the Unix epoch. */
  readonly atMs: number;
};

export const chainCheck = "chain of trust";

/**
 * @param verify by default in this process, into which the library is loaded then
 * @throws QuoteError quote.malformed, quote.rejected; quote.unverifiable when collateral is at
 *   fault, or `verify` is
 */
export async function verifyChainOfTrust(
  question: TrustQuestion,
  verify: VerifySignatures = verifySignatures,
): Promise<TcbState> {
  const { collateral, atMs } = question;
  const quote = parseQuote(hexToBytes(question.quote));
  const pck = readPck(quote);
  const root = readRoot(Buffer.from(question.root));
  expectPck(pck, root);
  const checked = question.checked ?? checkCollateral(collateral, root);
  expectCollateralAt(checked, atMs);
  expecting(root, () => {
    expectValidAt(pck.chain, atMs);
    expectNotRevoked(pck.chain.slice(0, 1), checked.platforms);
    expectNotRevoked(pck.chain.slice(1), checked.authorities);
  });
  const { tcbInfo } = checked;
  const [model, described] = [
    `${pck.fmspc}, PCE ${pck.pceId}`,
    `${tcbInfo.fmspc}, PCE ${tcbInfo.pceId}`,
  ];
  if (model !== described) {
    throw rejected("platform's model", { expected: `${described}, as collateral`, actual: model });
  }
  const module = tdxModuleState(quote, tcbInfo);
  const { tcbStatus, advisoryIds } = await stateOf(question, { pck, root }, verify);
  return converge({ tcbStatus, advisoryIds }, module);
}

/**
 * That the quote's PCK chain leads to the root: what one can know without collateral.
 *
 * @throws QuoteError quote.rejected
 */
export function expectPck(pck: Pck, root: Certificate): void {
  expecting(root, () => expectChain(pck.chain, { root, length: 3, beginsWith: "end entity" }));
}

/**
 * @param bytes PEM or DER
 * @throws Error when it is not a self-signed authority with a P-256 key
 */
export function readRoot(bytes: Uint8Array): Certificate {
  const text = Buffer.from(bytes).toString("latin1");
  const [root, ...others] = text.includes("-----BEGIN")
    ? readChain(text)
    : [readCertificate(bytes)];
  if (root === undefined || others.length > 0) throw new Error("expected one certificate");
  const { x509 } = root;
  if (!x509.ca || !x509.verify(x509.publicKey)) {
    throw new Error("expected a self-signed certificate of an authority");
  }
  const { asymmetricKeyDetails } = createPublicKey(
    x509.publicKey.export({ type: "spki", format: "pem" }),
  );
  if (asymmetricKeyDetails?.namedCurve !== "prime256v1") throw new Error("expected a P-256 key");
  return root;
}

function expecting(root: Certificate, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw untrusted(root, `a PCK chain that ${error.message}`);
  }
}

function untrusted(root: Certificate, actual: string) {
  return rejected(chainCheck, { expected: `a quote that ${nameOf(root)} vouches for`, actual });
}

async function stateOf(
  { quote, collateral, atMs }: TrustQuestion,
  { pck, root }: { readonly pck: Pck; readonly root: Certificate },
  verify: VerifySignatures,
): Promise<TcbState> {
  const answer = await verify({
    quote,
    root: root.x509.raw.toString("hex"),
    atSeconds: Math.floor(atMs / 1_000),
    collateral: {
      // Our own text: the library is to see the very certificates that were checked here.
      pck_certificate_chain: pck.chainPem,
      pck_crl_issuer_chain: canonical(collateral.pckCrlIssuerChain),
      tcb_info_issuer_chain: canonical(collateral.tcbInfoIssuerChain),
      qe_identity_issuer_chain: canonical(collateral.qeIdentityIssuerChain),
      pck_crl: collateral.pckCrl,
      root_ca_crl: collateral.rootCaCrl,
      tcb_info: collateral.tcbInfo,
      tcb_info_signature: collateral.tcbInfoSignature,
      qe_identity: collateral.qeIdentity,
      qe_identity_signature: collateral.qeIdentitySignature,
    },
  }).catch((error: Error) => {
    throw unverifiable(error.message);
  });
  if (answer.kind === "refused") throw untrusted(root, `refused: ${answer.reason}`);
  return answer;
}

const canonical = (pem: string): string => pemOf(readChain(pem));
