/**
 * What verifiers hold a quote against: which states of updates are good, and which enclave may sign
 * quotes. Issued when asked for, valid for thirty days, signed by the development root's TCB signer.
 *
 * @see Intel SGX and TDX Provisioning Certification Service API, version 4
 */
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils";
import type { CollateralFault } from "../faults.ts";
import { signP256 } from "../keys/p256.ts";
import { cpuSvn, fmspc, pceId, pceSvn, teeTcbSvn } from "../pki/device.ts";
import type { Authorities } from "../pki/party.ts";
import { quotingEnclave } from "../quote/signer.ts";

export type Validity = { readonly issueDate: Date; readonly nextUpdate: Date };

const hourMs = 60 * 60 * 1000;
const dayMs = 24 * hourMs;
const validityMs = 30 * dayMs;
const tcbDate = "2024-03-13T00:00:00Z";
const evaluationDataNumber = 17;
const moduleSigner = "00".repeat(48);
const moduleAttributes = { attributes: "00".repeat(8), attributesMask: "FF".repeat(8) };
/** Names that no advisory of Intel's has. */
const advisoryIDs = ["SIMULATED-SA-00001"];

/**
 * From the hour before the present one: clocks may differ, and within an hour the same document is
 * issued again.
 */
export function validityAt(now: Date, faults: readonly CollateralFault[]): Validity {
  const hour = Math.floor(now.getTime() / hourMs) * hourMs - hourMs;
  const issued = faults.includes("expired-collateral") ? hour - 2 * validityMs : hour;
  return { issueDate: new Date(issued), nextUpdate: new Date(issued + validityMs) };
}

/** TCB info, version 3: the updates that platforms of this model need. @returns JSON text */
export function tcbInfo(validity: Validity, faults: readonly CollateralFault[]): string {
  return JSON.stringify({
    id: "TDX",
    version: 3,
    ...dates(validity),
    fmspc: upperHex(fmspc),
    pceId: upperHex(pceId),
    tcbType: 0,
    tcbEvaluationDataNumber: evaluationDataNumber,
    tdxModule: { mrsigner: moduleSigner, ...moduleAttributes },
    tdxModuleIdentities: [
      {
        id: "TDX_01",
        mrsigner: moduleSigner,
        ...moduleAttributes,
        tcbLevels: [{ tcb: { isvsvn: teeTcbSvn[0] }, tcbDate, tcbStatus: "UpToDate" }],
      },
    ],
    tcbLevels: tcbLevels(faults),
  });
}

/** Identity of the enclave that signs quotes, version 2. @returns JSON text */
export function enclaveIdentity(validity: Validity): string {
  return JSON.stringify({
    id: "TD_QE",
    version: 2,
    ...dates(validity),
    tcbEvaluationDataNumber: evaluationDataNumber,
    miscselect: "00000000",
    miscselectMask: "FFFFFFFF",
    attributes: "11000000000000000000000000000000",
    attributesMask: "FBFFFFFFFFFFFFFF0000000000000000",
    mrsigner: upperHex(quotingEnclave.mrSigner),
    isvprodid: quotingEnclave.productId,
    tcbLevels: [{ tcb: { isvsvn: quotingEnclave.svn - 2 }, tcbDate, tcbStatus: "UpToDate" }],
  });
}

/**
 * The body of an answer: clients serialise `document` again before they verify, and must arrive at
 * the bytes that were signed. Those are what `JSON.stringify` wrote, spliced in as they are.
 */
export function signedBody(name: string, document: string, authorities: Authorities): string {
  const signature = signP256(utf8ToBytes(document), authorities.tcbSigner.secret);
  return `{"${name}":${document},"signature":"${bytesToHex(signature)}"}`;
}

/**
 * The first level that a platform reaches is its own. For one that is out of date, a later level
 * comes before: updates that it does not have.
 */
function tcbLevels(faults: readonly CollateralFault[]): readonly object[] {
  const level = (pcesvn: number): object => ({
    tcb: { sgxtcbcomponents: svns(cpuSvn), pcesvn, tdxtcbcomponents: svns(teeTcbSvn) },
    tcbDate,
  });
  const reached = level(pceSvn);
  const later = { ...level(pceSvn + 1), tcbStatus: "UpToDate" };
  if (faults.includes("tcb-revoked")) {
    return [later, { ...reached, tcbStatus: "Revoked", advisoryIDs }];
  }
  if (faults.includes("out-of-date")) {
    return [later, { ...reached, tcbStatus: "OutOfDate", advisoryIDs }];
  }
  return [{ ...reached, tcbStatus: "UpToDate" }];
}

function svns(components: Uint8Array): readonly object[] {
  return Array.from(components, (svn) => ({ svn }));
}

function dates(validity: Validity): Readonly<Record<"issueDate" | "nextUpdate", string>> {
  const written = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, "Z");
  return { issueDate: written(validity.issueDate), nextUpdate: written(validity.nextUpdate) };
}

function upperHex(bytes: Uint8Array): string {
  return bytesToHex(bytes).toUpperCase();
}
