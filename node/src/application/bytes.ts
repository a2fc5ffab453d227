/** Writes and reads numbers and ASCII text one after another. Big-endian; lengths before texts. */

/** A call takes only so many arguments. */
const charactersAtOnce = 4096;
/** Up to here, one by one is faster. */
const shortText = 12;

export type Writer = { bytes: Uint8Array; length: number };
/** Once `failed`, a reader answers zeros and empty texts: check it before believing any of them. */
export type Reader = { readonly bytes: Uint8Array; at: number; failed: boolean };

export function writer(): Writer {
  return { bytes: new Uint8Array(1024), length: 0 };
}

export function written(to: Writer): Uint8Array {
  return to.bytes.slice(0, to.length);
}

/** A view, good until the writer writes on. */
export function writtenSoFar(to: Writer): Uint8Array {
  return to.bytes.subarray(0, to.length);
}

/** `size` bytes, at most 6; `value` is a whole number that fits. */
export function writeNumber(to: Writer, value: number, size: number): void {
  reserve(to, size);
  const { bytes, length } = to;
  const highest = Math.floor(value / 2 ** 32);
  const lowest = value >>> 0;
  for (let at = 0; at < size; at += 1) {
    const place = size - 1 - at;
    bytes[length + at] = place < 4 ? lowest >>> (place * 8) : highest >>> ((place - 4) * 8);
  }
  to.length += size;
}

/** The text's length in 4 bytes, then one byte a character. */
export function writeText(to: Writer, text: string): void {
  writeNumber(to, text.length, 4);
  reserve(to, text.length);
  const { bytes, length } = to;
  for (let at = 0; at < text.length; at += 1) bytes[length + at] = text.charCodeAt(at);
  to.length += text.length;
}

export function writeBytes(to: Writer, bytes: Uint8Array): void {
  reserve(to, bytes.length);
  to.bytes.set(bytes, to.length);
  to.length += bytes.length;
}

export function reader(bytes: Uint8Array): Reader {
  return { bytes, at: 0, failed: false };
}

export function readNumber(from: Reader, size: number): number {
  if (!has(from, size)) return 0;
  const { bytes, at: start } = from;
  from.at += size;
  let value = 0;
  for (let at = start; at < from.at; at += 1) value = value * 256 + (bytes[at] ?? 0);
  return value;
}

export function readText(from: Reader): string {
  const length = readNumber(from, 4);
  if (!has(from, length)) return "";
  const start = from.at;
  from.at += length;
  return textOf(from.bytes, start, from.at);
}

/** One character a byte. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  if (end - start <= shortText) {
    for (let at = start; at < end; at += 1) text += String.fromCharCode(bytes[at] ?? 0);
    return text;
  }
  // Joined one by one, a long text costs several times its time and space.
  for (let at = start; at < end; at += charactersAtOnce) {
    const piece = bytes.subarray(at, Math.min(at + charactersAtOnce, end));
    text += Reflect.apply(String.fromCharCode, null, piece);
  }
  return text;
}

/** Everything was there, and nothing is left over. */
export function isReadWhole(from: Reader): boolean {
  return !from.failed && from.at === from.bytes.length;
}

function has(from: Reader, size: number): boolean {
  if (!from.failed && from.at + size <= from.bytes.length) return true;
  from.failed = true;
  return false;
}

function reserve(to: Writer, size: number): void {
  const needed = to.length + size;
  if (needed <= to.bytes.length) return;
  const grown = new Uint8Array(Math.max(needed, to.bytes.length * 2));
  grown.set(to.bytes.subarray(0, to.length));
  to.bytes = grown;
}
