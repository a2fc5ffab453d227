/** The two digests by which dstack names a whole set of measurements. */
import { sha256 } from "@noble/hashes/sha2";
import { concatBytes } from "@noble/hashes/utils";
import type { TdReport } from "../quote/layout.ts";

/**
 * SHA-256 over the measurement registers, and over the three configuration fields unless all of
 * them are zero.
 */
export function aggregatedMeasurement(report: TdReport): Uint8Array {
  const configuration = concatBytes(report.mrConfigId, report.mrOwner, report.mrOwnerConfig);
  const isConfigured = configuration.some((byte) => byte !== 0);
  return sha256(
    concatBytes(report.mrtd, ...report.rtmrs, ...(isConfigured ? [configuration] : [])),
  );
}

/** SHA-256 over what the operating system determines, and over the key provider. */
export function systemMeasurement(report: TdReport, keyProviderInfo: Uint8Array): Uint8Array {
  const [rtmr0, rtmr1, rtmr2] = report.rtmrs;
  return sha256(concatBytes(report.mrtd, rtmr0, rtmr1, rtmr2, sha256(keyProviderInfo)));
}
