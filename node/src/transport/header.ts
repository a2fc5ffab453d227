/**
 * The frame headers, field by field: what a peer may say, and nothing besides.
 *
 * Strict: an unknown field or a number out of range makes the frame garbage.
 */
import { z } from "zod";
import type { BootKey, Hash, MemberId, Term } from "../consensus/ids.ts";
import { isFrontier } from "../consensus/merkle.ts";
import type { BootProof } from "../runtime/attestation.ts";
import type { CallFault } from "../runtime/ports.ts";

/** Raised when a hello, a frame or a message changes its meaning. */
export const protocolVersion = 3;

const text = <T extends string>(pattern: RegExp, expected: string) =>
  z.custom<T>((value) => typeof value === "string" && pattern.test(value), `expected ${expected}`);

const hash = text<Hash>(/^[0-9a-f]{64}$/, "64 lower-case hex digits");
const bootKey = text<BootKey>(/^[0-9a-f]{64}$/, "64 lower-case hex digits");
const memberId = text<MemberId>(/^0x[0-9a-f]{40}$/, "0x and 40 lower-case hex digits");
const signature = text<string>(/^0x[0-9a-f]{130}$/, "0x and 130 lower-case hex digits");

/** An entry stores index and term in 48 bits; nothing else that is counted grows larger. */
const countMax = 2 ** 48 - 1;
const isCount = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= countMax;
const count = z.custom<number>(isCount, "expected an integer from 0 to 2^48 - 1");
const term = z.custom<Term>(isCount, "expected an integer from 0 to 2^48 - 1");

const status = z.enum(["recovering", "normal"]);
const position = z.strictObject({ index: count, term, hash });
const kind = <K extends string>(name: K) => z.literal(name);

const report = z.strictObject({
  kind: kind("report"),
  status,
  term,
  promisedTerm: term,
  last: position,
  commitIndex: count,
});
const prepare = z.strictObject({ kind: kind("prepare"), term, rosterHash: hash });
const promise = z.strictObject({
  kind: kind("promise"),
  term,
  rosterHash: hash,
  status,
  last: position,
  commitIndex: count,
});
const refusal = z.strictObject({
  kind: kind("refusal"),
  term,
  reason: z.enum([
    "higher-term-promised",
    "other-boot-promised",
    "not-the-leader-by-my-view",
    "recovering",
    "term-outside-window",
  ]),
  promisedTerm: term,
});
const fetch = z.strictObject({ kind: kind("fetch"), term, after: position });
/** Attachments: the entries. */
const fetched = z.strictObject({ kind: kind("fetched"), term, after: position });
const fetchFailed = z.strictObject({ kind: kind("fetch-failed"), term });
/** Attachments: the entries. */
const append = z.strictObject({
  kind: kind("append"),
  term,
  rosterHash: hash,
  previous: position,
  commitIndex: count,
  round: count,
  active: z.boolean(),
});
const ack = z.strictObject({
  kind: kind("ack"),
  term,
  status,
  matchIndex: count,
  matchHash: hash,
  round: count,
});
const reject = z.strictObject({ kind: kind("reject"), term, status, hint: count, round: count });
const frontier = z
  .strictObject({ size: count, roots: z.array(hash).readonly() })
  .refine(isFrontier, "expected a root for each one bit of the size");
/** Attachments: the seats (JSON), the bytes. */
const snapshotChunk = z.strictObject({
  kind: kind("snapshot-chunk"),
  term,
  rosterHash: hash,
  at: position,
  tree: frontier,
  offset: count,
  totalBytes: count,
});
const snapshotAck = z.strictObject({
  kind: kind("snapshot-ack"),
  term,
  atIndex: count,
  offset: count,
});
const rejoinRequest = z.strictObject({ kind: kind("rejoin-request"), term });
const noConfidence = z.strictObject({
  kind: kind("no-confidence"),
  term,
  successor: memberId,
  deadline: count,
  signature,
});
const confidence = z.strictObject({ kind: kind("confidence"), term });
const checkpoint = z.strictObject({
  coldTerm: term,
  index: count,
  logRoot: hash,
  stateHash: hash,
});
const vouch = z.strictObject({
  kind: kind("vouch"),
  checkpoint,
  signature,
  wanting: z.boolean(),
});

/** Attachment: the proof (JSON). */
const hello = z.strictObject({
  kind: kind("hello"),
  version: z.literal(protocolVersion),
  chainId: count,
  contract: text<string>(/^0x[0-9a-f]{40}$/, "0x and 40 lower-case hex digits"),
});
/** Attachment: the command. */
const requestCommand = z.strictObject({ kind: kind("request-command"), id: count });
const requestReadIndex = z.strictObject({ kind: kind("request-read-index"), id: count });
/** Attachment: the result. */
const responseCommitted = z.strictObject({
  kind: kind("response-committed"),
  id: count,
  index: count,
  term,
});
const responseReadIndex = z.strictObject({
  kind: kind("response-read-index"),
  id: count,
  index: count,
  term,
});
/** Attachment: the fault (JSON). */
const responseFailed = z.strictObject({ kind: kind("response-failed"), id: count });
const ping = z.strictObject({ kind: kind("ping") });
const pong = z.strictObject({ kind: kind("pong") });

export const headerSchema = z.discriminatedUnion("kind", [
  append,
  ack,
  report,
  prepare,
  promise,
  refusal,
  fetch,
  fetched,
  fetchFailed,
  reject,
  snapshotChunk,
  snapshotAck,
  rejoinRequest,
  noConfidence,
  confidence,
  vouch,
  hello,
  requestCommand,
  requestReadIndex,
  responseCommitted,
  responseReadIndex,
  responseFailed,
  ping,
  pong,
]);
export type Header = z.infer<typeof headerSchema>;

const member = z.strictObject({
  slot: z.number().int().min(0).max(255),
  id: memberId,
  bootKey,
});
const roster = z.strictObject({ hash, members: z.array(member).max(256) });

/** `Seats` with its maps and sets as arrays, in their own order. */
export const seatsSchema = z.strictObject({
  valid: z.array(z.tuple([memberId, bootKey])),
  named: z.array(bootKey),
  rosters: z.array(z.strictObject({ index: count, term, roster })),
  namedAt: z.array(z.tuple([memberId, count])),
  coldTerm: term,
});

const publicKey = text<string>(/^0x[0-9a-f]{128}$/, "0x and 128 lower-case hex digits");
const keyProof = z.strictObject({
  derivedPublicKey: publicKey,
  appPublicKey: publicKey,
  appSignature: signature,
  kmsSignature: signature,
});

export const proofSchema: z.ZodType<BootProof> = z.strictObject({
  wallet: memberId,
  bootKey,
  blockNumber: text<string>(/^[0-9]{1,20}$/, "a decimal number"),
  blockHash: text<string>(/^(0x)?[0-9a-f]{64}$/, "64 lower-case hex digits"),
  quote: text<string>(/^([0-9a-f]{2})*$/, "lower-case hex"),
  eventLog: z.string(),
  signature,
  keyProof,
});

export const faultSchema: z.ZodType<CallFault> = z.discriminatedUnion("code", [
  z.strictObject({ code: kind("leader.unknown") }),
  z.strictObject({ code: kind("leader.elsewhere"), leaderUrl: z.string() }),
  z.strictObject({ code: kind("overloaded"), retryAfterMs: count }),
  z.strictObject({ code: kind("command.refused"), reason: z.string() }),
  z.strictObject({ code: kind("idempotency.mismatch"), key: z.string() }),
  z.strictObject({ code: kind("commit.timeout"), waitedMs: z.number().min(0) }),
  z.strictObject({ code: kind("leader.lost") }),
  z.strictObject({ code: kind("read.timeout"), waitedMs: z.number().min(0) }),
  z.strictObject({ code: kind("node.unavailable"), reason: z.string() }),
]);
