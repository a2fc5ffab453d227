/** The few DER encodings that the extensions of dstack and of SGX are made of (X.690). */
import { concatBytes, hexToBytes } from "@noble/hashes/utils";

const tags = { integer: 0x02, octetString: 0x04, objectId: 0x06, enumerated: 0x0a, sequence: 0x30 };

export function octetString(content: Uint8Array): Uint8Array {
  return element(tags.octetString, content);
}

export function sequence(...elements: readonly Uint8Array[]): Uint8Array {
  return element(tags.sequence, concatBytes(...elements));
}

/** @param value a whole number, not negative */
export function integer(value: number): Uint8Array {
  return element(tags.integer, magnitude(value));
}

/** @param value a whole number, not negative */
export function enumerated(value: number): Uint8Array {
  return element(tags.enumerated, magnitude(value));
}

/** @param dotted at least two arcs, such as "1.2.840" */
export function objectId(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...arcs] = dotted.split(".").map(Number);
  return element(tags.objectId, concatBytes(...[first * 40 + second, ...arcs].map(base128)));
}

/** A high bit in the first byte would be the sign: a zero goes before it (8.3.2). */
function magnitude(value: number): Uint8Array {
  const bytes = bigEndian(value);
  return (bytes[0] ?? 0) < 0x80 ? bytes : concatBytes(Uint8Array.of(0), bytes);
}

/** Seven bits a byte; all bytes but the last have the high bit (8.19.2). */
function base128(arc: number): Uint8Array {
  const bytes = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift(0x80 | (rest % 128));
  }
  return Uint8Array.from(bytes);
}

/** Definite length (8.1.3): one byte below 128, otherwise a count and the length. */
function element(tag: number, content: Uint8Array): Uint8Array {
  if (content.length < 128) return concatBytes(Uint8Array.of(tag, content.length), content);
  const length = bigEndian(content.length);
  return concatBytes(Uint8Array.of(tag, 0x80 | length.length), length, content);
}

function bigEndian(value: number): Uint8Array {
  const digits = value.toString(16);
  return hexToBytes(digits.padStart(digits.length + (digits.length % 2), "0"));
}
