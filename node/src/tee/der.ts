/**
 * Reads ASN.1 in the distinguished encoding, as far as certificates need it: the places that Node's
 * own parser does not show are Intel's extension and revocation lists.
 *
 * @see ITU-T X.690
 */

export class DerError extends Error {
  override readonly name = "DerError";
}

export type Der = {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag, length and content: what a signature over this element covers. */
  readonly whole: Uint8Array;
};

export const tags = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

/** @throws DerError when `bytes` is not one element and nothing else */
export function readDer(bytes: Uint8Array): Der {
  const [only, ...others] = readAll(bytes);
  if (only === undefined || others.length > 0) {
    throw new DerError(`expected one element, got ${others.length + (only === undefined ? 0 : 1)}`);
  }
  return only;
}

/** The elements within a constructed one. */
export function childrenOf(parent: Der): readonly Der[] {
  if ((parent.tag & 0x20) === 0) throw new DerError(`tag ${parent.tag} holds no elements`);
  return readAll(parent.content);
}

/** `element` itself, when it has this tag. */
export function expectTag(element: Der | undefined, tag: number): Der {
  if (element?.tag === tag) return element;
  throw new DerError(`expected tag ${tag}, got ${element === undefined ? "none" : element.tag}`);
}

/** In dotted form, such as 1.2.840.10045.4.3.2. */
export function objectIdOf(element: Der | undefined): string {
  const { content } = expectTag(element, tags.objectId);
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(arc)) throw new DerError("an object identifier's arc is too large");
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [first = 0, ...others] = arcs;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...others].join(".");
}

/** A whole number of at most 6 bytes, not negative. */
export function numberOf(element: Der | undefined): number {
  const { content } = expectTag(element, tags.integer);
  if (content.length === 0 || content.length > 6 || (content[0] ?? 0) >= 0x80) {
    throw new DerError("expected a whole number of at most 6 bytes");
  }
  return content.reduce((number, byte) => number * 256 + byte, 0);
}

/** Milliseconds since the Unix epoch. */
export function timeOf(element: Der | undefined): number {
  const text = Buffer.from(element?.content ?? []).toString("latin1");
  const pattern = element?.tag === tags.utcTime ? /^(\d\d)(\d{10})Z$/ : /^(\d{4})(\d{10})Z$/;
  const isTime = element?.tag === tags.utcTime || element?.tag === tags.generalizedTime;
  const [, year = "", rest = ""] = (isTime ? pattern.exec(text) : null) ?? [];
  // RFC 5280, 4.1.2.5.1: two digits stand for 1950 to 2049.
  const fullYear = year.length === 4 ? year : `${Number(year) < 50 ? "20" : "19"}${year}`;
  const [month, day, hour, minute, second] = rest.match(/\d\d/g) ?? [];
  const ms = Date.parse(`${fullYear}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(ms)) throw new DerError("expected a UTCTime or a GeneralizedTime");
  return ms;
}

function readAll(bytes: Uint8Array): Der[] {
  const elements: Der[] = [];
  let at = 0;
  while (at < bytes.length) {
    const element = readOne(bytes, at);
    elements.push(element);
    at += element.whole.length;
  }
  return elements;
}

function readOne(bytes: Uint8Array, at: number): Der {
  const [tag, first] = bytes.subarray(at, at + 2);
  if (tag === undefined || first === undefined) throw new DerError("it ends within an element");
  if ((tag & 0x1f) === 0x1f) throw new DerError("tags of several bytes are not expected");
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || lengthBytes > 3) throw new DerError("a length is not in the expected form");
  const contentAt = at + 2 + lengthBytes;
  const length =
    lengthBytes === 0
      ? first
      : bytes.subarray(at + 2, contentAt).reduce((sum, byte) => sum * 256 + byte, 0);
  const end = contentAt + length;
  if (end > bytes.length) throw new DerError("an element is longer than what it lies in");
  return { tag, content: bytes.subarray(contentAt, end), whole: bytes.subarray(at, end) };
}
