/** The one MessagePack form that is needed here: an array of byte strings. */
import { concatBytes } from "@noble/hashes/utils";

const fixedArrayMax = 15;

/**
 * @param items at most 15, each at most 65,535 bytes
 * @see https://github.com/msgpack/msgpack/blob/master/spec.md: fixarray, bin 8, bin 16
 */
export function encodeByteArrays(items: readonly Uint8Array[]): Uint8Array {
  if (items.length > fixedArrayMax) throw new RangeError(`expected at most ${fixedArrayMax} items`);
  return concatBytes(Uint8Array.of(0x90 | items.length), ...items.map(encodeBytes));
}

function encodeBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= 0xff) return concatBytes(Uint8Array.of(0xc4, bytes.length), bytes);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return concatBytes(Uint8Array.of(0xc5), length, bytes);
}
