/**
 * Log entries and their one encoding: what is hashed, sent and stored are the same bytes.
 *
 * Layout: kind (1), index (6), term (6), timeMs (6), all big-endian; then the body: the payload as
 * it came for a command, nothing for a mark, ASCII JSON for the rest. The chain hash is SHA-256(previous ‖ bytes), so
 * equal hashes at an index mean equal prefixes.
 */
import { asciiBytes, asciiText } from "./ascii.ts";
import type { Checkpoint } from "./checkpoint.ts";
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
/** Every replica hashes its state here, so that a later checkpoint can say what came out. */
export type Mark = { readonly kind: "mark" };
/** Covers the log up to a mark, and the state as of it. */
export type CheckpointTaken = { readonly kind: "checkpoint"; readonly checkpoint: Checkpoint };
export type Body = TermStart | Rejoin | Command | Mark | CheckpointTaken;

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

const kinds = ["term-start", "rejoin", "command", "mark", "checkpoint"] as const;
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
  const payload = payloadOf(body);
  const bytes = new Uint8Array(headerBytes + payload.length);
  bytes[0] = kinds.indexOf(body.kind);
  writeUint48(bytes, 1, draft.index);
  writeUint48(bytes, 7, draft.term);
  writeUint48(bytes, 13, draft.timeMs);
  bytes.set(payload, headerBytes);
  return bytes;
}

function payloadOf(body: Body): Uint8Array {
  switch (body.kind) {
    case "command":
      return body.payload;
    case "mark":
      return new Uint8Array(0);
    case "rejoin":
      return jsonBytes([body.member, body.bootKey]);
    case "term-start": {
      const members = body.roster.members.map(({ slot, id, bootKey: key }) => [slot, id, key]);
      return jsonBytes([body.cold, body.roster.hash, members]);
    }
    case "checkpoint": {
      const { coldTerm, index, logRoot, stateHash } = body.checkpoint;
      return jsonBytes([coldTerm, index, logRoot, stateHash]);
    }
    default:
      return body satisfies never;
  }
}

function readBody(kind: Body["kind"], payload: Uint8Array): Body | null {
  if (kind === "command") return { kind, payload };
  if (kind === "mark") return payload.length === 0 ? { kind } : null;
  const fields = parseArray(asciiText(payload));
  if (fields === null) return null;
  if (kind === "rejoin") return readRejoin(fields);
  return kind === "checkpoint" ? readCheckpoint(fields) : readTermStart(fields);
}

function readRejoin([member, key, ...rest]: readonly unknown[]): Rejoin | null {
  if (!isMemberId(member) || !isHex32(key) || rest.length > 0) return null;
  return { kind: "rejoin", member: memberId(member), bootKey: bootKey(key) };
}

function readTermStart([cold, rosterHash, rows]: readonly unknown[]): TermStart | null {
  const members = readMembers(rows);
  if (typeof cold !== "boolean" || !isHex32(rosterHash) || members === null) return null;
  return { kind: "term-start", cold, roster: { hash: hash(rosterHash), members } };
}

function readCheckpoint(fields: readonly unknown[]): CheckpointTaken | null {
  const [coldTerm, index, logRoot, stateHash] = fields;
  if (!isCount(coldTerm) || !isCount(index) || fields.length !== 4) return null;
  if (!isHex32(logRoot) || !isHex32(stateHash)) return null;
  const hashes = { logRoot: hash(logRoot), stateHash: hash(stateHash) };
  return { kind: "checkpoint", checkpoint: { coldTerm: term(coldTerm), index, ...hashes } };
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

const jsonBytes = (fields: readonly unknown[]): Uint8Array => asciiBytes(JSON.stringify(fields));
const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
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
