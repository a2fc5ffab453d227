import { type Digest, type Hash, hash } from "../../node/src/consensus/ids.ts";
import type { TreeHash } from "../../node/src/consensus/merkle.ts";

const padding = "0".repeat(48);

/**
 * A chain hash of 64 bits in place of SHA-256, for speed: two streams of FNV-1a with a final
 * mix (MurmurHash3's). Nobody forges hashes here; accidents are as good as ruled out.
 */
export const fastDigest: Digest = (previous, bytes) => {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (let at = 0; at < 16; at += 1) {
    const code = previous.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x5bd1e995);
  }
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x5bd1e995);
  }
  return finished(a, b);
};

/** Likewise for the Merkle tree over the log. */
export const fastTree: TreeHash = {
  leaf: (entryHash) => combined(0, entryHash, entryHash),
  node: (left, right) => combined(1, left, right),
};

function combined(kind: number, left: Hash, right: Hash): Hash {
  let a = 0x9dc5811c ^ kind;
  let b = 0x01930100;
  for (let at = 0; at < 16; at += 1) {
    const codes = left.charCodeAt(at) ^ (right.charCodeAt(at) << 8);
    a = Math.imul(a ^ codes, 0x01000193);
    b = Math.imul(b ^ codes, 0x5bd1e995);
  }
  return finished(a, b);
}

function finished(a: number, b: number): Hash {
  return hash(hex(mix(a ^ (b >>> 15))) + hex(mix(b + a)) + padding);
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}
