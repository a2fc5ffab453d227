/** Any message, request and response, for properties. */
import fc from "fast-check";
import { type Entry, makeEntry } from "../../../node/src/consensus/entry.ts";
import { bootKey, hash, memberId, term } from "../../../node/src/consensus/ids.ts";
import type { Message } from "../../../node/src/consensus/message.ts";
import type { CallFault, PeerRequest, PeerResponse } from "../../../node/src/runtime/ports.ts";
import { digest } from "./support.ts";

const hex = (digits: number) =>
  fc
    .uint8Array({ minLength: digits / 2, maxLength: digits / 2 })
    .map((bytes) => Buffer.from(bytes).toString("hex"));

const hashes = hex(64).map(hash);
const bootKeys = hex(64).map(bootKey);
const memberIds = hex(40).map((digits) => memberId(`0x${digits}`));
const counts = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const terms = counts.map(term);
const statuses = fc.constantFrom("recovering", "normal");
const positions = fc.record({ index: fc.nat(2 ** 40), term: terms, hash: hashes });
const bytes = fc.uint8Array({ maxLength: 300 });

const members = fc.record({ slot: fc.nat(255), id: memberIds, bootKey: bootKeys });
const rosters = fc.record({ hash: hashes, members: fc.array(members, { maxLength: 4 }) });
const signatures = hex(130).map((digits) => `0x${digits}`);
const checkpoints = fc.record({
  coldTerm: terms,
  index: counts,
  logRoot: hashes,
  stateHash: hashes,
});
const bodies = fc.oneof(
  fc.record({ kind: fc.constant("command"), payload: bytes }),
  fc.record({ kind: fc.constant("rejoin"), member: memberIds, bootKey: bootKeys }),
  fc.record({ kind: fc.constant("term-start"), roster: rosters, cold: fc.boolean() }),
  fc.record({ kind: fc.constant("mark") }),
  fc.record({ kind: fc.constant("checkpoint"), checkpoint: checkpoints }),
);

/** A position and entries that continue it. */
const chains = fc
  .tuple(positions, fc.array(fc.tuple(terms, bodies), { maxLength: 5 }))
  .map(([after, drafts]) => {
    const entries: Entry[] = [];
    for (const [of, body] of drafts) {
      const previous = entries.at(-1) ?? after;
      const draft = { index: previous.index + 1, term: of, timeMs: 1_700_000_000_000 };
      entries.push(makeEntry(draft, body, previous.hash, digest));
    }
    return { after, entries };
  });

const seats = fc
  .record({
    valid: fc.uniqueArray(fc.tuple(memberIds, bootKeys), { selector: ([id]) => id, maxLength: 4 }),
    named: fc.uniqueArray(bootKeys, { maxLength: 4 }),
    rosters: fc.array(fc.record({ index: counts, term: terms, roster: rosters }), { maxLength: 2 }),
    namedAt: fc.uniqueArray(fc.tuple(memberIds, counts), { selector: ([id]) => id, maxLength: 4 }),
    coldTerm: terms,
  })
  .map((flat) => ({
    ...flat,
    valid: new Map(flat.valid),
    named: new Set(flat.named),
    namedAt: new Map(flat.namedAt),
  }));

/** Of each kind, one arbitrary: a kind that is missing here does not compile. */
export const messagesByKind: { readonly [K in Message["kind"]]: fc.Arbitrary<Message> } = {
  report: fc.record({
    kind: fc.constant("report"),
    status: statuses,
    term: terms,
    promisedTerm: terms,
    last: positions,
    commitIndex: counts,
  }),
  prepare: fc.record({ kind: fc.constant("prepare"), term: terms, rosterHash: hashes }),
  promise: fc.record({
    kind: fc.constant("promise"),
    term: terms,
    rosterHash: hashes,
    status: statuses,
    last: positions,
    commitIndex: counts,
  }),
  refusal: fc.record({
    kind: fc.constant("refusal"),
    term: terms,
    reason: fc.constantFrom(
      "higher-term-promised",
      "other-boot-promised",
      "not-the-leader-by-my-view",
      "recovering",
      "term-outside-window",
    ),
    promisedTerm: terms,
  }),
  fetch: fc.record({ kind: fc.constant("fetch"), term: terms, after: positions }),
  fetched: fc
    .tuple(terms, chains)
    .map(([of, { after, entries }]) => ({ kind: "fetched", term: of, after, entries })),
  "fetch-failed": fc.record({ kind: fc.constant("fetch-failed"), term: terms }),
  append: fc
    .tuple(terms, hashes, chains, counts, counts, fc.boolean())
    .map(([of, rosterHash, { after, entries }, commitIndex, round, active]) => ({
      kind: "append",
      term: of,
      rosterHash,
      previous: after,
      entries,
      commitIndex,
      round,
      active,
    })),
  ack: fc.record({
    kind: fc.constant("ack"),
    term: terms,
    status: statuses,
    matchIndex: counts,
    matchHash: hashes,
    round: counts,
  }),
  reject: fc.record({
    kind: fc.constant("reject"),
    term: terms,
    status: statuses,
    hint: counts,
    round: counts,
  }),
  "snapshot-chunk": fc
    .record({
      kind: fc.constant("snapshot-chunk" as const),
      term: terms,
      rosterHash: hashes,
      at: positions,
      seats,
      roots: fc.infiniteStream(hashes),
      offset: fc.nat(1_000_000),
      totalBytes: fc.integer({ min: 1_000_300, max: 2_000_000 }),
      bytes,
    })
    .map(({ roots, ...chunk }) => {
      const subtrees = [...chunk.at.index.toString(2)].filter((bit) => bit === "1");
      return { ...chunk, tree: { size: chunk.at.index, roots: [...roots.take(subtrees.length)] } };
    }),
  "snapshot-ack": fc.record({
    kind: fc.constant("snapshot-ack"),
    term: terms,
    atIndex: counts,
    offset: counts,
  }),
  "rejoin-request": fc.record({ kind: fc.constant("rejoin-request"), term: terms }),
  "no-confidence": fc.record({
    kind: fc.constant("no-confidence"),
    term: terms,
    successor: memberIds,
    deadline: counts,
    signature: signatures,
  }),
  confidence: fc.record({ kind: fc.constant("confidence"), term: terms }),
  vouch: fc.record({
    kind: fc.constant("vouch"),
    checkpoint: checkpoints,
    signature: signatures,
    wanting: fc.boolean(),
  }),
};
export const messages = fc.oneof(...Object.values(messagesByKind));

export const requests: fc.Arbitrary<PeerRequest> = fc.oneof(
  fc.record({ kind: fc.constant("command"), payload: bytes }),
  fc.record({ kind: fc.constant("read-index") }),
);

const waits = fc.nat(60_000);
/** Reasons come from applications and may be in any language. */
const reasons = fc.string({ unit: "grapheme" });
const faultsByCode: { readonly [C in CallFault["code"]]: fc.Arbitrary<CallFault> } = {
  "leader.unknown": fc.constant({ code: "leader.unknown" }),
  "leader.elsewhere": fc.webUrl().map((leaderUrl) => ({ code: "leader.elsewhere", leaderUrl })),
  overloaded: waits.map((retryAfterMs) => ({ code: "overloaded", retryAfterMs })),
  "command.refused": reasons.map((reason) => ({ code: "command.refused", reason })),
  "idempotency.mismatch": reasons.map((key) => ({ code: "idempotency.mismatch", key })),
  "commit.timeout": waits.map((waitedMs) => ({ code: "commit.timeout", waitedMs })),
  "leader.lost": fc.constant({ code: "leader.lost" }),
  "read.timeout": waits.map((waitedMs) => ({ code: "read.timeout", waitedMs })),
  "node.unavailable": reasons.map((reason) => ({ code: "node.unavailable", reason })),
};
export const responses: fc.Arbitrary<PeerResponse> = fc.oneof(
  fc.record({ kind: fc.constant("committed"), index: counts, term: terms, result: bytes }),
  fc.record({ kind: fc.constant("read-index"), index: counts, term: terms }),
  fc.record({ kind: fc.constant("failed"), fault: fc.oneof(...Object.values(faultsByCode)) }),
);
