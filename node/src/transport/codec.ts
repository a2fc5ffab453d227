/**
 * What travels between members, to bytes and back.
 *
 * **Safety assumes** nothing of the bytes: whatever they are, `decodeFrame` gives a well-formed
 * frame or a rejection. Entries are chained here, so that past this door their hashes are their
 * own.
 */
import { type Entry, readEntry } from "../consensus/entry.ts";
import type { Digest, Hash } from "../consensus/ids.ts";
import type { Position } from "../consensus/log.ts";
import type { Message } from "../consensus/message.ts";
import type { Seats } from "../consensus/seats.ts";
import type { BootProof } from "../runtime/attestation.ts";
import type { CallFault, PeerRequest, PeerResponse } from "../runtime/ports.ts";
import { type Attachments, readParts, writeFrame } from "./frame.ts";
import {
  faultSchema,
  type Header,
  headerSchema,
  proofSchema,
  protocolVersion,
  seatsSchema,
} from "./header.ts";
import { type Rejection, rejection } from "./rejection.ts";

export type Hello = {
  readonly kind: "hello";
  readonly chainId: number;
  /** `0x` and 40 lower-case hex digits. */
  readonly contract: string;
  readonly proof: BootProof;
};
export type Frame =
  | Hello
  | { readonly kind: "message"; readonly message: Message }
  | { readonly kind: "request"; readonly id: number; readonly request: PeerRequest }
  | { readonly kind: "response"; readonly id: number; readonly response: PeerResponse }
  | { readonly kind: "ping" }
  | { readonly kind: "pong" };

export function encodeFrame(frame: Frame): Uint8Array {
  switch (frame.kind) {
    case "message":
      return encodeMessage(frame.message);
    case "request":
      return encodeRequest(frame.id, frame.request);
    case "response":
      return encodeResponse(frame.id, frame.response);
    case "hello": {
      const { kind, chainId, contract, proof } = frame;
      return encode({ kind, version: protocolVersion, chainId, contract }, [json(proof)]);
    }
    case "ping":
    case "pong":
      return encode({ kind: frame.kind }, []);
    default:
      return frame satisfies never;
  }
}

/** @param body one frame, without its length */
export function decodeFrame(body: Uint8Array, digest: Digest): Frame | Rejection {
  const parts = readParts(body);
  if ("kind" in parts) return parts;
  const { attachments } = parts;

  const version = versionOf(parts.header);
  if (version !== null && version !== protocolVersion) {
    return rejection("protocol-version", `version ${version}, expected ${protocolVersion}`);
  }
  const parsed = headerSchema.safeParse(parts.header);
  if (!parsed.success) return garbage(`header: ${describe(parsed.error.issues)}`);

  const frame = assemble(parsed.data, attachments, digest);
  if (frame.kind === "rejection" || attachments.ended()) return frame;
  return garbage(`${parsed.data.kind}: bytes after its attachments`);
}

// Another version's hello may differ in every other field: its number is looked at first.
function versionOf(header: unknown): unknown {
  const { kind, version } = (header ?? {}) as { kind?: unknown; version?: unknown };
  return kind === "hello" && Number.isInteger(version) ? version : null;
}

function encodeMessage(message: Message): Uint8Array {
  switch (message.kind) {
    case "append":
    case "fetched": {
      const { entries, ...header } = message;
      return encode(header, bytesOf(entries));
    }
    case "snapshot-chunk": {
      const { seats, bytes, ...header } = message;
      return encode(header, [json(flatten(seats)), bytes]);
    }
    default:
      return encode(message, []);
  }
}

function encodeRequest(id: number, request: PeerRequest): Uint8Array {
  if (request.kind === "read-index") return encode({ kind: "request-read-index", id }, []);
  return encode({ kind: "request-command", id }, [request.payload]);
}

function encodeResponse(id: number, response: PeerResponse): Uint8Array {
  switch (response.kind) {
    case "committed": {
      const { index, term, result } = response;
      return encode({ kind: "response-committed", id, index, term }, [result]);
    }
    case "read-index":
      return encode(
        { kind: "response-read-index", id, index: response.index, term: response.term },
        [],
      );
    case "failed":
      return encode({ kind: "response-failed", id }, [json(response.fault)]);
    default:
      return response satisfies never;
  }
}

function encode(header: Header, attachments: readonly Uint8Array[]): Uint8Array {
  return writeFrame(JSON.stringify(header), attachments);
}

const bytesOf = (entries: readonly Entry[]): Uint8Array[] => entries.map(({ bytes }) => bytes);
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

function flatten(seats: Seats): object {
  return {
    valid: [...seats.valid],
    named: [...seats.named],
    rosters: seats.rosters,
    namedAt: [...seats.namedAt],
    coldTerm: seats.coldTerm,
  };
}

function assemble(header: Header, attachments: Attachments, digest: Digest): Frame | Rejection {
  switch (header.kind) {
    case "append": {
      const entries = readEntries(attachments, header.previous, digest);
      return "kind" in entries ? entries : messageFrame({ ...header, entries });
    }
    case "fetched": {
      const entries = readEntries(attachments, header.after, digest);
      return "kind" in entries ? entries : messageFrame({ ...header, entries });
    }
    case "snapshot-chunk": {
      const seats = readSeats(attachments.next());
      const bytes = attachments.next();
      if (seats === null) return garbage("snapshot-chunk: malformed seats");
      if (bytes === null) return garbage("snapshot-chunk: no bytes");
      if (header.offset + bytes.length > header.totalBytes) {
        return garbage("snapshot-chunk: it ends beyond the total");
      }
      const { tree, at } = header;
      if (tree.size !== at.index) {
        return garbage(`snapshot-chunk: a tree of ${tree.size} entries at index ${at.index}`);
      }
      return messageFrame({ ...header, seats, bytes });
    }
    case "hello": {
      const proof = readJson(attachments.next(), proofSchema);
      if (proof === null) return garbage("hello: malformed proof");
      return { kind: "hello", chainId: header.chainId, contract: header.contract, proof };
    }
    case "ping":
    case "pong":
      return header;
    case "request-command":
    case "request-read-index":
      return readRequest(header, attachments);
    case "response-committed":
    case "response-read-index":
    case "response-failed":
      return readResponse(header, attachments);
    default:
      return messageFrame(header);
  }
}

function messageFrame(message: Message): Frame {
  return { kind: "message", message };
}

function readRequest(
  header: Extract<Header, { kind: `request-${string}` }>,
  attachments: Attachments,
): Frame | Rejection {
  const { id } = header;
  if (header.kind === "request-read-index") {
    return { kind: "request", id, request: { kind: "read-index" } };
  }
  const payload = attachments.next();
  if (payload === null) return garbage("request-command: no payload");
  return { kind: "request", id, request: { kind: "command", payload } };
}

function readResponse(
  header: Extract<Header, { kind: `response-${string}` }>,
  attachments: Attachments,
): Frame | Rejection {
  const { id } = header;
  switch (header.kind) {
    case "response-committed": {
      const result = attachments.next();
      if (result === null) return garbage("response-committed: no result");
      const { index, term } = header;
      return { kind: "response", id, response: { kind: "committed", index, term, result } };
    }
    case "response-read-index": {
      const { index, term } = header;
      return { kind: "response", id, response: { kind: "read-index", index, term } };
    }
    case "response-failed": {
      const fault: CallFault | null = readJson(attachments.next(), faultSchema);
      if (fault === null) return garbage("response-failed: malformed fault");
      return { kind: "response", id, response: { kind: "failed", fault } };
    }
    default:
      return header satisfies never;
  }
}

function readEntries(
  attachments: Attachments,
  after: Position,
  digest: Digest,
): readonly Entry[] | Rejection {
  const entries: Entry[] = [];
  let previous: Hash = after.hash;
  let index = after.index;
  while (!attachments.ended()) {
    const bytes = attachments.next();
    if (bytes === null) return garbage("an entry longer than its frame");
    const entry = readEntry(bytes, previous, digest);
    if (entry === null) return garbage("an attachment that is not an entry");
    index += 1;
    if (entry.index !== index) {
      return garbage(`entry ${entry.index} where ${index} was expected`);
    }
    previous = entry.hash;
    entries.push(entry);
  }
  return entries;
}

function readSeats(bytes: Uint8Array | null): Seats | null {
  const flat = readJson(bytes, seatsSchema);
  if (flat === null) return null;
  const valid = new Map(flat.valid);
  const named = new Set(flat.named);
  const namedAt = new Map(flat.namedAt);
  const repeats =
    valid.size < flat.valid.length ||
    named.size < flat.named.length ||
    namedAt.size < flat.namedAt.length;
  return repeats ? null : { ...flat, valid, named, namedAt };
}

type Schema<T> = {
  safeParse(value: unknown): { success: true; data: T } | { success: false; error: unknown };
};

function readJson<T>(bytes: Uint8Array | null, schema: Schema<T>): T | null {
  if (bytes === null) return null;
  try {
    const value: unknown = JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"),
    );
    const parsed = schema.safeParse(value);
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

type Issue = { readonly path: readonly PropertyKey[]; readonly message: string };

function describe(issues: readonly Issue[]): string {
  const first = issues[0];
  return first === undefined ? "malformed" : `${first.path.join(".")} ${first.message}`;
}

const garbage = (detail: string): Rejection => rejection("garbage", detail);
