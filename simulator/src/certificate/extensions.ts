/**
 * The certificate extensions of dstack: none is critical, and each value is a DER OCTET STRING
 * inside the extension's own.
 */
import "reflect-metadata";
import { utf8ToBytes } from "@noble/hashes/utils";
import { Extension } from "@peculiar/x509";
import { octetString } from "./der.ts";
import { encodeByteArrays } from "./messagePack.ts";

const arc = "1.3.6.1.4.1.62397.1";

/** Present in what the key management service issues. */
export function appIdExtension(appId: Uint8Array): Extension {
  return extension(3, appId);
}

/** `app:custom` for a key of an app's own, `app:ca` for the app's authority. */
export function usageExtension(usage: "app:custom" | "app:ca"): Extension {
  return extension(4, utf8ToBytes(usage));
}

/** The attestation whose report data binds the certificate's public key. */
export function attestationExtension(attestation: Uint8Array): Extension {
  return extension(8, attestation);
}

/** What the app runs, as a MessagePack array of byte strings in dstack's order. */
export function appInfoExtension(fields: readonly Uint8Array[]): Extension {
  return extension(9, encodeByteArrays(fields));
}

function extension(number: number, content: Uint8Array): Extension {
  return new Extension(`${arc}.${number}`, false, Uint8Array.from(octetString(content)));
}
