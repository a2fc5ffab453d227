/**
 * Log entries and their one encoding: what is hashed, sent and stored are the same bytes.
 *
 * Layout: kind (1), index (6), term (6), timeMs (6), all big-endian; then the body: the payload as
 * it came for a command, ASCII JSON for the rest. The chain hash is SHA-256(previous ‖ bytes), so
 * equal hashes at an index mean equal prefixes.
 */
import { asciiBytes, asciiText } from "./ascii.ts";
import {
  type BootKey,
  bootKey,
  type Digest,
  type Hash,
  hash,
  type MemberId,
  memberId,
  type Term,
  term,
} from "./ids.ts";
import type { Member, Roster } from "./roster.ts";

export type TermStart = {
  readonly kind: "term-start";
  readonly roster: Roster;
  /** A cold start: these boots, and no others, speak for their members from here on. */
  readonly cold: boolean;
};
export type Rejoin = {
  readonly kind: "rejoin";
  readonly member: MemberId;
  readonly bootKey: BootKey;
};
export type Command = { readonly kind: "command"; readonly payload: Uint8Array };
export type Body = TermStart | Rejoin | Command;

export type Entry = {
  /** 1-based position in the log. */
  readonly index: number;
  readonly term: Term;
  /** Milliseconds since the Unix epoch, as the leader noted it. Informative: nothing rests on it. */
  readonly timeMs: number;
  readonly body: Body;
  readonly bytes: Uint8Array;
  readonly hash: Hash;
};

export type Draft = { readonly index: number; readonly term: Term; readonly timeMs: number };

const kinds = ["term-start", "rejoin", "command"] as const;
const headerBytes = 19;

export function makeEntry(draft: Draft, body: Body, previous: Hash, digest: Digest): Entry {
  const bytes = encode(draft, body);
  return { ...draft, body, bytes, hash: digest(previous, bytes) };
}

/** Reads an entry from a peer or the disk; `null` when the bytes are not an entry. */
export function readEntry(bytes: Uint8Array, previous: Hash, digest: Digest): Entry | null {
  const kind = kinds[bytes[0] ?? kinds.length];
  if (kind === undefined || bytes.length < headerBytes) return null;
  const body = readBody(kind, bytes.subarray(headerBytes));
  if (body === null) return null;
  return {
    index: readUint48(bytes, 1),
    term: term(readUint48(bytes, 7)),
    timeMs: readUint48(bytes, 13),
    body,
    bytes,
    hash: digest(previous, bytes),
  };
}

function encode(draft: Draft, body: Body): Uint8Array {
  const payload = body.kind === "command" ? body.payload : asciiBytes(bodyText(body));
  const bytes = new Uint8Array(headerBytes + payload.length);
  bytes[0] = kinds.indexOf(body.kind);
  writeUint48(bytes, 1, draft.index);
  writeUint48(bytes, 7, draft.term);
  writeUint48(bytes, 13, draft.timeMs);
  bytes.set(payload, headerBytes);
  return bytes;
}

function bodyText(body: TermStart | Rejoin): string {
  if (body.kind === "rejoin") return JSON.stringify([body.member, body.bootKey]);
  const members = body.roster.members.map(({ slot, id, bootKey: key }) => [slot, id, key]);
  return JSON.stringify([body.cold, body.roster.hash, members]);
}

function readBody(kind: Body["kind"], payload: Uint8Array): Body | null {
  if (kind === "command") return { kind, payload };
  const fields = parseArray(asciiText(payload));
  if (fields === null) return null;
  if (kind === "rejoin") {
    const [member, key] = fields;
    if (!isMemberId(member) || !isHex32(key) || fields.length !== 2) return null;
    return { kind, member: memberId(member), bootKey: bootKey(key) };
  }
  const [cold, rosterHash, rows] = fields;
  const members = readMembers(rows);
  if (typeof cold !== "boolean" || !isHex32(rosterHash) || members === null) return null;
  return { kind, cold, roster: { hash: hash(rosterHash), members } };
}

function readMembers(rows: unknown): Member[] | null {
  if (!Array.isArray(rows)) return null;
  const members: Member[] = [];
  for (const row of rows as readonly unknown[]) {
    const [slot, id, key] = Array.isArray(row) ? (row as readonly unknown[]) : [];
    if (typeof slot !== "number" || !Number.isInteger(slot) || slot < 0 || slot > 255) return null;
    if (!isMemberId(id) || !isHex32(key)) return null;
    members.push({ slot, id: memberId(id), bootKey: bootKey(key) });
  }
  return members;
}

function parseArray(text: string): readonly unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

const isHex32 = (value: unknown): value is string =>
  typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
const isMemberId = (value: unknown): value is string =>
  typeof value === "string" && /^0x[0-9a-f]{40}$/.test(value);

function writeUint48(bytes: Uint8Array, at: number, value: number): void {
  let rest = value;
  for (let offset = 5; offset >= 0; offset -= 1) {
    bytes[at + offset] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

function readUint48(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let offset = 0; offset < 6; offset += 1) value = value * 256 + (bytes[at + offset] ?? 0);
  return value;
}
