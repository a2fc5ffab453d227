/**
 * Collateral: what Intel, or who has its place, says of a platform's model at present. Which
 * versions are up to date, which enclave may sign quotes, which certificates are revoked.
 *
 * All of it is signed and dated, so it may come from anywhere. The library that verifies quotes
 * ignores signatures, issuers and dates of revocation lists; here nothing is left to it.
 *
 * @see Intel SGX and TDX Provisioning Certification Service API, version 4
 */
import { verify as verifySignature } from "node:crypto";
import { z } from "zod";
import {
  type Certificate,
  CertificateError,
  expectChain,
  expectValidAt,
  nameOf,
  type RevocationList,
  readChain,
  readRevocationList,
} from "./certificates.ts";
import { sgxExtension } from "./pck.ts";
import { unverifiable } from "./quote.ts";

const hex = z.string().regex(/^(?:[0-9a-f]{2})+$/, "expected lower-case hex");
export const collateralSchema = z.strictObject({
  /** JSON text, exactly as it was signed. */
  tcbInfo: z.string(),
  tcbInfoSignature: hex,
  /** PEM, signer first. */
  tcbInfoIssuerChain: z.string(),
  qeIdentity: z.string(),
  qeIdentitySignature: hex,
  qeIdentityIssuerChain: z.string(),
  /** DER, hex. */
  pckCrl: hex,
  pckCrlIssuerChain: z.string(),
  rootCaCrl: hex,
});
export type Collateral = Readonly<z.infer<typeof collateralSchema>>;

const moduleLevel = z.object({
  tcb: z.object({ isvsvn: z.number().int() }),
  tcbStatus: z.string(),
  advisoryIDs: z.array(z.string()).optional(),
});
const tdxModule = z.object({
  mrsigner: z.string(),
  attributes: z.string(),
  attributesMask: z.string(),
});
const dated = { issueDate: z.iso.datetime(), nextUpdate: z.iso.datetime() };
const tcbInfoSchema = z.object({
  id: z.literal("TDX"),
  version: z.literal(3),
  ...dated,
  fmspc: z.string().transform((text) => text.toLowerCase()),
  pceId: z.string().transform((text) => text.toLowerCase()),
  tdxModule,
  tdxModuleIdentities: z
    .array(tdxModule.extend({ id: z.string(), tcbLevels: z.array(moduleLevel) }))
    .optional(),
});
const qeIdentitySchema = z.object({ id: z.literal("TD_QE"), ...dated });
export type TcbInfo = z.infer<typeof tcbInfoSchema>;

/** Collateral whose signatures lead to the root. */
export type CheckedCollateral = {
  readonly tcbInfo: TcbInfo;
  /** Signers of TCB info and QE identity, and the authority that certifies platforms. */
  readonly chains: readonly (readonly Certificate[])[];
  readonly platforms: RevocationList;
  readonly authorities: RevocationList;
  /** All of it is valid from the one to the other. */
  readonly validFromMs: number;
  readonly validToMs: number;
};

/**
 * Signatures, issuers and the signers' standing; whether it is valid at some time is the caller's
 * question.
 *
 * @throws QuoteError quote.unverifiable: whoever served this, the quote is not to blame
 */
export function checkCollateral(collateral: Collateral, root: Certificate): CheckedCollateral {
  return blaming("collateral", () => {
    const tcbSigners = signersOf("TCB info", collateral.tcbInfoIssuerChain, root);
    expectSigned("TCB info", collateral.tcbInfo, collateral.tcbInfoSignature, tcbSigners);
    const qeSigners = signersOf("QE identity", collateral.qeIdentityIssuerChain, root);
    expectSigned("QE identity", collateral.qeIdentity, collateral.qeIdentitySignature, qeSigners);
    const authority = readChain(collateral.pckCrlIssuerChain);
    expectChain(authority, { root, length: 2, beginsWith: "authority" });
    const [issuer = root] = authority;
    const platforms = readRevocationList(Buffer.from(collateral.pckCrl, "hex"), issuer);
    const authorities = readRevocationList(Buffer.from(collateral.rootCaCrl, "hex"), root);
    const chains = [tcbSigners, qeSigners, authority];
    for (const chain of chains) expectNotRevoked(chain, authorities);

    const tcbInfo = tcbInfoSchema.parse(JSON.parse(collateral.tcbInfo));
    const qeIdentity = qeIdentitySchema.parse(JSON.parse(collateral.qeIdentity));
    const spans = [
      ...[tcbInfo, qeIdentity].map(({ issueDate, nextUpdate }) => ({
        from: Date.parse(issueDate),
        to: Date.parse(nextUpdate),
      })),
      ...[platforms, authorities].map((list) => ({
        from: list.thisUpdateMs,
        to: list.nextUpdateMs,
      })),
      ...chains.flat().map(({ validFromMs, validToMs }) => ({ from: validFromMs, to: validToMs })),
    ];
    const validFromMs = Math.max(...spans.map(({ from }) => from));
    const validToMs = Math.min(...spans.map(({ to }) => to));
    return { tcbInfo, chains, platforms, authorities, validFromMs, validToMs };
  });
}

/** @throws QuoteError quote.unverifiable when it is not yet, or no longer, valid */
export function expectCollateralAt(checked: CheckedCollateral, atMs: number): void {
  blaming("collateral", () => {
    const { chains, validFromMs, validToMs } = checked;
    for (const chain of chains) expectValidAt(chain, atMs);
    if (atMs >= validFromMs && atMs <= validToMs) return;
    const [from, to, at] = [validFromMs, validToMs, atMs].map((ms) => new Date(ms).toISOString());
    throw new CertificateError(`is valid from ${from} to ${to}, which is not so at ${at}`);
  });
}

/** @throws CertificateError */
export function expectNotRevoked(chain: readonly Certificate[], { serials }: RevocationList): void {
  const revoked = chain.find(({ serial }) => serials.has(serial));
  if (revoked === undefined) return;
  throw new CertificateError(`has ${nameOf(revoked)}, serial ${revoked.serial}, which is revoked`);
}

function signersOf(what: string, pem: string, root: Certificate): readonly Certificate[] {
  const chain = readChain(pem);
  expectChain(chain, { root, length: 2, beginsWith: "end entity" });
  // A platform's certificate must not pass for that of who describes platforms.
  if (chain[0]?.extensions.has(sgxExtension) === true) {
    throw new CertificateError(`has ${nameOf(chain[0])}, a platform, for a signer of ${what}`);
  }
  return chain;
}

function expectSigned(
  what: string,
  signed: string,
  signature: string,
  [signer]: readonly Certificate[],
): void {
  const key = signer?.x509.publicKey;
  const bytes = Buffer.from(signature, "hex");
  const isSigned =
    key !== undefined &&
    verifySignature("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" }, bytes);
  if (!isSigned) throw new CertificateError(`has ${what} that ${nameOf(signer)} did not sign`);
}

function blaming<Value>(what: string, check: () => Value): Value {
  try {
    return check();
  } catch (error) {
    const known = error instanceof CertificateError;
    throw unverifiable(
      `the ${what} ${known ? error.message : `cannot be used: ${oneLine(error)}`}`,
    );
  }
}

function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s+/g, " ").slice(0, 200);
}
