/** Who signs or is certified below the development root. All of it follows from the seed. */
import { sha1 } from "@noble/hashes/legacy";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils";
import { deriveSecret } from "../keys/kdf.ts";
import { p256PublicKey } from "../keys/p256.ts";

export type Party = {
  /** RFC 4514. */
  readonly name: string;
  /** 32 bytes. */
  readonly secret: Uint8Array;
  /** Of its one certificate: 16 bytes, hex. Verifiers look serial numbers up in any list. */
  readonly serialNumber: string;
  /** RFC 5280, 4.2.1.2, method 1: 20 bytes, hex. */
  readonly keyId: string;
};

/** The names are as plainly not Intel's as the places in a chain that verifiers look for allow. */
export type Authorities = {
  readonly root: Party;
  /** "Platform" in its name tells clients which revocation list to ask for. */
  readonly platformAuthority: Party;
  /** The authority of other machines than these. It has an empty revocation list, and no heirs. */
  readonly processorAuthority: Party;
  readonly tcbSigner: Party;
};

export function authorities(seed: string): Authorities {
  return {
    root: partyOf(seed, "root", "Simulated SGX Root CA"),
    platformAuthority: partyOf(seed, "platform-authority", "Simulated SGX PCK Platform CA"),
    processorAuthority: partyOf(seed, "processor-authority", "Simulated SGX PCK Processor CA"),
    tcbSigner: partyOf(seed, "tcb-signer", "Simulated SGX TCB Signing"),
  };
}

/** The holder of the provisioning certification key (PCK) of the device with this name. */
export function pckHolder(seed: string, deviceName: string): Party {
  return partyOf(seed, `pck:${deviceName}`, "Simulated SGX PCK Certificate");
}

function partyOf(seed: string, role: string, commonName: string): Party {
  const derive = (purpose: string): Uint8Array =>
    deriveSecret(utf8ToBytes(seed), utf8ToBytes(`development-${purpose}:${role}`));
  const secret = derive("pki");
  const serialNumber = derive("pki-serial").slice(0, 16);
  // Positive, and of full length: DER would shorten it, and readers would disagree on its hex.
  serialNumber[0] = 0x40 | ((serialNumber[0] ?? 0) & 0x3f);
  return {
    name: `CN=${commonName}, O=dstack-cluster development (proves nothing)`,
    secret,
    serialNumber: bytesToHex(serialNumber),
    keyId: bytesToHex(sha1(p256PublicKey(secret))),
  };
}
