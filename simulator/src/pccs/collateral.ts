/**
 * The answers of a provisioning certificate caching service (PCCS) about the devices of one seed.
 *
 * @see Intel SGX and TDX Provisioning Certification Service API, version 4; `rootcacrl` is of Intel's
 *   reference PCCS alone
 */
import "reflect-metadata";
import { bytesToHex } from "@noble/hashes/utils";
import { PemConverter } from "@peculiar/x509";
import type { CollateralFault } from "../faults.ts";
import { fmspc } from "../pki/device.ts";
import { issueCertificate, issueRevocationList, lastingPeriod } from "../pki/issue.ts";
import type { Party } from "../pki/party.ts";
import type { Pki } from "../pki/pki.ts";
import { enclaveIdentity, signedBody, tcbInfo, validityAt } from "./documents.ts";

export type Reply = {
  readonly status: number;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
};

export type Question = {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly faults: readonly CollateralFault[];
  readonly now: Date;
};

export type Answer = (question: Question) => Promise<Reply>;

/** What answers are made from. */
type Source = { readonly pki: Pki; readonly chains: () => Promise<Chains> };
/** PEM, issuer first, root last. */
type Chains = Readonly<Record<"tcbSigner" | "platform" | "processor", string>>;
type Route = (source: Source, question: Question) => Promise<Reply>;

const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["/sgx/certification/v4/pckcrl", pckRevocationList],
  ["/sgx/certification/v4/rootcacrl", rootRevocationList],
  ["/tdx/certification/v4/tcb", tcbInfoOfModel],
  ["/tdx/certification/v4/qe/identity", identityOfEnclave],
]);

/** Certificates are issued when the first question comes, so that nobody else waits for them. */
export function collateralOf(pki: Pki): Answer {
  let issued: Promise<Chains> | null = null;
  const chains = (): Promise<Chains> => {
    issued ??= issuerChains(pki);
    return issued;
  };
  return async (question) => {
    const { faults, path } = question;
    if (faults.includes("unavailable")) return refusal(503, "unavailable");
    if (faults.includes("not-found")) return refusal(404, "not found");
    const route = routes.get(path);
    return route === undefined ? refusal(404, "not found") : route({ pki, chains }, question);
  };
}

/** Status and reason: clients look at the status alone. */
export function refusal(status: number, reason: string): Reply {
  return { status, contentType: "text/plain", headers: {}, body: `${reason}\n` };
}

async function pckRevocationList({ pki, chains }: Source, question: Question): Promise<Reply> {
  const { query, faults } = question;
  const [ca, encoding] = [query.get("ca"), query.get("encoding") ?? "pem"];
  if (ca !== "platform" && ca !== "processor") {
    return refusal(400, `invalid ca: expected platform or processor, got ${ca}`);
  }
  if (encoding !== "der" && encoding !== "pem") {
    return refusal(400, `invalid encoding: expected der or pem, got ${encoding}`);
  }
  const { platformAuthority, processorAuthority } = pki.authorities;
  const isRevoked = ca === "platform" && faults.includes("pck-revoked");
  const issuer = ca === "platform" ? platformAuthority : processorAuthority;
  const list = await revocationList(issuer, isRevoked ? [pki.pckHolder] : [], question);
  const headers = { "SGX-PCK-CRL-Issuer-Chain": encodeURIComponent((await chains())[ca]) };
  return encoding === "der"
    ? { status: 200, contentType: "application/pkix-crl", headers, body: list }
    : { status: 200, contentType: "application/x-pem-file", headers, body: crlPem(list) };
}

async function rootRevocationList({ pki }: Source, question: Question): Promise<Reply> {
  const list = await revocationList(pki.authorities.root, [], question);
  return { status: 200, contentType: "text/plain", headers: {}, body: bytesToHex(list) };
}

async function tcbInfoOfModel({ pki, chains }: Source, question: Question): Promise<Reply> {
  const { query, faults, now } = question;
  const asked = (query.get("fmspc") ?? "").toLowerCase();
  if (!/^[0-9a-f]{12}$/.test(asked)) {
    return refusal(400, `invalid fmspc: expected 12 hex digits, got ${asked}`);
  }
  if (asked !== bytesToHex(fmspc)) return refusal(404, `no model ${asked}`);
  const document = tcbInfo(validityAt(now, faults), faults);
  return json(signedBody("tcbInfo", document, pki.authorities), {
    "TCB-Info-Issuer-Chain": encodeURIComponent((await chains()).tcbSigner),
  });
}

async function identityOfEnclave({ pki, chains }: Source, question: Question): Promise<Reply> {
  const document = enclaveIdentity(validityAt(question.now, question.faults));
  return json(signedBody("enclaveIdentity", document, pki.authorities), {
    "SGX-Enclave-Identity-Issuer-Chain": encodeURIComponent((await chains()).tcbSigner),
  });
}

/** The same bytes at any time, unless the list is to have ended. */
function revocationList(
  issuer: Party,
  revoked: readonly Party[],
  { faults, now }: Question,
): Promise<Uint8Array> {
  const { issueDate, nextUpdate } = validityAt(now, faults);
  const period = faults.includes("expired-collateral")
    ? { thisUpdate: issueDate, nextUpdate }
    : lastingPeriod;
  return issueRevocationList(issuer, {
    ...period,
    number: 1 + revoked.length,
    revoked: revoked.map(({ serialNumber }) => serialNumber),
  });
}

async function issuerChains(pki: Pki): Promise<Chains> {
  const { root, platformAuthority, processorAuthority, tcbSigner } = pki.authorities;
  const [platform, processor, signer] = await Promise.all([
    issueCertificate(root, platformAuthority, { pathLength: 0 }),
    issueCertificate(root, processorAuthority, { pathLength: 0 }),
    issueCertificate(root, tcbSigner, { pathLength: null }),
  ]);
  return {
    platform: platform.pem + pki.root.pem,
    processor: processor.pem + pki.root.pem,
    tcbSigner: signer.pem + pki.root.pem,
  };
}

function json(body: string, headers: Reply["headers"]): Reply {
  return { status: 200, contentType: "application/json", headers, body };
}

function crlPem(der: Uint8Array): string {
  return `${PemConverter.encode(Uint8Array.from(der), "X509 CRL")}\n`;
}
