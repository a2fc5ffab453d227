/** Evidence without a simulator: fields as a good machine's, each of which a test may spoil. */
import { secp256k1 } from "@noble/curves/secp256k1";
import { keccak_256 } from "@noble/hashes/sha3";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";
import { bootKey } from "../../../node/src/consensus/ids.ts";
import type { BootProof, KeyProof } from "../../../node/src/runtime/attestation.ts";
import type { Evidence, Reference } from "../../../node/src/tee/appraise.ts";
import type { Quote } from "../../../node/src/tee/quote.ts";
import { addressOf, walletOf } from "../../../node/src/tee/wallet.ts";

export const composeHash = "c5".repeat(32);
export const appId = "a9".repeat(20);
export const instanceId = "1d".repeat(20);
const deviceId = "de".repeat(32);
const zeros = (bytes: number): string => "00".repeat(bytes);
const [kms, app, derived] = ["01", "02", "03"].map((byte) => hexToBytes(byte.repeat(32))) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

/** The chain of signatures that dstack makes, by its own rules. */
export function keyProofOf(
  change: { readonly purpose?: string; readonly appId?: string } = {},
): KeyProof {
  const { purpose = `cluster-node:${instanceId}` } = change;
  const compressed = (secret: Uint8Array) => secp256k1.getPublicKey(secret, true);
  const bare = (secret: Uint8Array) => secp256k1.getPublicKey(secret, false).subarray(1);
  const byApp = keccak_256(utf8ToBytes(`${purpose}:${bytesToHex(compressed(derived))}`));
  const issued = keccak_256(
    concatBytes(
      utf8ToBytes("dstack-kms-issued:"),
      hexToBytes(change.appId ?? appId),
      compressed(app),
    ),
  );
  const hex = (bytes: Uint8Array) => `0x${bytesToHex(bytes)}`;
  return {
    derivedPublicKey: hex(bare(derived)),
    appPublicKey: hex(bare(app)),
    appSignature: hex(walletOf(app).sign(byApp)),
    kmsSignature: hex(walletOf(kms).sign(issued)),
  };
}

const quote: Quote = {
  qeVendorId: "939a7233f79c4ca9940a0db3957f0607",
  teeTcbSvn: `0501${zeros(14)}`,
  mrSeam: "5e".repeat(48),
  mrSignerSeam: zeros(48),
  seamAttributes: zeros(8),
  tdAttributes: "0000001000000000",
  mrTd: "7d".repeat(48),
  mrConfigId: zeros(48),
  mrOwner: zeros(48),
  mrOwnerConfig: zeros(48),
  rtmrs: ["00", "01", "02", "03"].map((byte) => byte.repeat(48)) as [
    string,
    string,
    string,
    string,
  ],
  reportData: zeros(64),
  signedBytes: new Uint8Array(),
  authData: new Uint8Array(),
};

const proof: BootProof = {
  wallet: walletOf(derived).address,
  bootKey: bootKey("b0".repeat(32)),
  blockNumber: "7",
  blockHash: `0x${"0b".repeat(32)}`,
  quote: "",
  eventLog: "[]",
  signature: `0x${"51".repeat(65)}`,
  keyProof: keyProofOf(),
};

export const goodEvidence: Evidence = {
  proof,
  quote,
  pck: {
    ...{ chain: [], chainPem: "", ppid: zeros(16), deviceId },
    ...{ fmspc: "00de57ac0000", pceId: "0000", authority: "platform" },
  },
  log: {
    rtmrs: quote.rtmrs,
    wrongDigest: null,
    facts: { composeHash, appId, instanceId, osImageHash: "05".repeat(32), keyProvider: "{}" },
  },
};

export const goodReference: Reference = {
  trust: { tcbStatus: "UpToDate", advisoryIds: [] },
  admission: {
    appId,
    kmsRoot: addressOf(secp256k1.getPublicKey(kms, false)),
    composeHashAllowed: true,
    deviceAllowed: true,
    osImageAllowed: true,
    osImagesRestricted: true,
    tcbUpToDateRequired: true,
  },
  record: { instanceId },
  policy: { tcbStatusesAllowed: ["UpToDate", "SWHardeningNeeded"], osMeasurements: [] },
};
