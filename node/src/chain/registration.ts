/** What a boot tells the contract of itself. */
import { keccak_256 } from "@noble/hashes/sha3";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils";
import type { Registration } from "../runtime/ports.ts";

/** @param quote raw TDX quote, hex: the contract keeps its keccak256, for auditors */
export function registrationOf(boot: Omit<Registration, "quoteHash">, quote: string): Registration {
  return { ...boot, quoteHash: `0x${bytesToHex(keccak_256(hexToBytes(quote)))}` };
}
