/**
 * The bytes of a TDX quote, version 4. All numbers are little-endian; every offset below is from
 * the start of the quote.
 *
 * @see Intel TDX DCAP: Quote Generation Library and Quote Verification Library, appendix 3
 */
import { concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";

type Registers = readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array];

/** What the TDX module reports about one trust domain. */
export type TdReport = {
  readonly teeTcbSvn: Uint8Array;
  readonly mrSeam: Uint8Array;
  readonly mrSignerSeam: Uint8Array;
  readonly seamAttributes: Uint8Array;
  readonly tdAttributes: Uint8Array;
  readonly xfam: Uint8Array;
  readonly mrtd: Uint8Array;
  readonly mrConfigId: Uint8Array;
  readonly mrOwner: Uint8Array;
  readonly mrOwnerConfig: Uint8Array;
  readonly rtmrs: Registers;
  readonly reportData: Uint8Array;
};

export const reportDataBytes = 64;
export const signedRegionBytes = 632;
/** Of the attestation key's signature: right after the length of the authentication data. */
export const signatureOffset = signedRegionBytes + 4;
/** 16 bytes of a real one's user data: this one is recognisable at a glance. */
export const quotingEnclaveId = utf8ToBytes("dstack-simulator");

const quoteVersion = 4;
const ecdsaP256KeyType = 2;
const tdxTeeType = 0x81;
const intelVendorId = hexToBytes("939a7233f79c4ca9940a0db3957f0607");

/**
 * Header and TD report: the 632 bytes that the attestation key signs.
 *
 * @param quotingEnclaveId 16 bytes
 */
export function encodeSignedRegion(report: TdReport, quotingEnclaveId: Uint8Array): Uint8Array {
  const region = Buffer.alloc(signedRegionBytes);
  region.writeUInt16LE(quoteVersion, 0);
  region.writeUInt16LE(ecdsaP256KeyType, 2);
  region.writeUInt32LE(tdxTeeType, 4);
  region.set(intelVendorId, 12);
  region.set(quotingEnclaveId, 28);
  region.set(report.teeTcbSvn, 48);
  region.set(report.mrSeam, 64);
  region.set(report.mrSignerSeam, 112);
  region.set(report.seamAttributes, 160);
  region.set(report.tdAttributes, 168);
  region.set(report.xfam, 176);
  region.set(report.mrtd, 184);
  region.set(report.mrConfigId, 232);
  region.set(report.mrOwner, 280);
  region.set(report.mrOwnerConfig, 328);
  region.set(concatBytes(...report.rtmrs), 376);
  region.set(report.reportData, 568);
  return new Uint8Array(region);
}

/** The same trust domain, were its host allowed to read its memory: TD attributes, bit 0. */
export function debuggable(report: TdReport): TdReport {
  const tdAttributes = Uint8Array.from(report.tdAttributes);
  tdAttributes[0] = (tdAttributes[0] ?? 0) | 1;
  return { ...report, tdAttributes };
}

/** The quote: signed region, length of the authentication data, authentication data. */
export function encodeQuote(signedRegion: Uint8Array, authenticationData: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(authenticationData.length);
  return concatBytes(signedRegion, length, authenticationData);
}
