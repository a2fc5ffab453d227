/** The hash of the log's chain, once per entry on the hot path: hence the one-shot `hash`. */
import { hash as hashOf } from "node:crypto";
import { type Hash, hash } from "../consensus/ids.ts";
import type { TreeHash } from "../consensus/merkle.ts";

const hashBytes = 32;
// Reused by every call: nothing is awaited between filling it and hashing it.
const scratch = Buffer.alloc(8192);

/** SHA-256 over the 32 bytes of `previous` (64 hex digits) and then `bytes`, as 64 hex digits. */
export function sha256Chain(previous: Hash, bytes: Uint8Array): Hash {
  const length = hashBytes + bytes.length;
  const input = length <= scratch.length ? scratch.subarray(0, length) : Buffer.alloc(length);
  input.write(previous, 0, hashBytes, "hex");
  input.set(bytes, hashBytes);
  return hash(hashOf("sha256", input, "hex"));
}

const leafBytes = scratch.subarray(0, 1 + hashBytes);
const nodeBytes = scratch.subarray(0, 1 + 2 * hashBytes);

/** The log's Merkle tree by RFC 9162: leaves and nodes are told apart by their first byte. */
export const sha256Tree: TreeHash = {
  leaf(entryHash) {
    scratch[0] = 0;
    scratch.write(entryHash, 1, hashBytes, "hex");
    return hash(hashOf("sha256", leafBytes, "hex"));
  },
  node(left, right) {
    scratch[0] = 1;
    scratch.write(left, 1, hashBytes, "hex");
    scratch.write(right, 1 + hashBytes, hashBytes, "hex");
    return hash(hashOf("sha256", nodeBytes, "hex"));
  },
};
