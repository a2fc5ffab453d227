import fc from "fast-check";
import { expect, test } from "vitest";
import { makeEntry } from "../../../node/src/consensus/entry.ts";
import { noHash, term } from "../../../node/src/consensus/ids.ts";
import { origin } from "../../../node/src/consensus/log.ts";
import { emptyFrontier } from "../../../node/src/consensus/merkle.ts";
import type { Append } from "../../../node/src/consensus/message.ts";
import { decodeFrame, encodeFrame, type Frame } from "../../../node/src/transport/codec.ts";
import { writeFrame } from "../../../node/src/transport/frame.ts";
import { protocolVersion } from "../../../node/src/transport/header.ts";
import { createBootIdentity } from "../../../node/src/transport/identity.ts";
import { messages, messagesByKind, requests, responses } from "./samples.ts";
import { alice, cluster, digest, proofOf } from "./support.ts";

const decode = (bytes: Uint8Array) => decodeFrame(bytes.subarray(4), digest);
const throughBytes = (frame: Frame) => decode(encodeFrame(frame));
const header = (fields: object, attachments: readonly Uint8Array[] = []) =>
  decode(writeFrame(JSON.stringify(fields), attachments));

for (const [kind, ofKind] of Object.entries(messagesByKind)) {
  test(`a ${kind} message survives the journey through bytes`, () => {
    const journey = fc.property(ofKind, (message) => {
      expect(throughBytes({ kind: "message", message })).toEqual({ kind: "message", message });
    });
    fc.assert(journey, { numRuns: 50 });
  });
}

test("requests and responses survive the journey through bytes", () => {
  fc.assert(
    fc.property(fc.nat(), requests, responses, (id, request, response) => {
      const asked = { kind: "request", id, request } as const;
      const answered = { kind: "response", id, response } as const;
      expect(throughBytes(asked)).toEqual(asked);
      expect(throughBytes(answered)).toEqual(answered);
    }),
  );
});

test("a hello survives the journey through bytes", async () => {
  const proof = proofOf(alice, await createBootIdentity());
  const hello = { kind: "hello", ...cluster, proof } as const;
  expect(throughBytes(hello)).toEqual(hello);
});

test("any bytes at all give a frame or a rejection", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (body) => {
      expect(decodeFrame(body, digest).kind).toBe("rejection");
    }),
    { numRuns: 2_000 },
  );
});

test("a message with any of its bytes changed, lost or added gives a frame or a rejection", () => {
  const kinds = new Set(["message", "rejection"]);
  fc.assert(
    fc.property(messages, fc.nat(), fc.nat(255), fc.nat(), (message, at, value, cut) => {
      const body = encodeFrame({ kind: "message", message }).slice(4);
      body[at % body.length] = value;
      expect(kinds).toContain(decodeFrame(body, digest).kind);
      expect(kinds).toContain(decodeFrame(body.subarray(0, cut % body.length), digest).kind);
      expect(kinds).toContain(decodeFrame(Buffer.concat([body, Buffer.of(value)]), digest).kind);
    }),
    { numRuns: 1_000 },
  );
});

test("headers of any JSON give a frame or a rejection", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(decode(writeFrame(text, [])).kind).toBe("rejection");
    }),
    { numRuns: 1_000 },
  );
});

const draft = (index: number) => ({ index, term: term(1), timeMs: 5 });
const command = { kind: "command", payload: Uint8Array.of(1, 2, 3) } as const;
const appendHeader = {
  kind: "append",
  term: term(1),
  rosterHash: noHash,
  previous: origin,
  commitIndex: 0,
  round: 1,
  active: true,
} as const;

test("entries are chained anew from the position they follow", () => {
  const first = makeEntry(draft(1), command, noHash, digest);
  const second = makeEntry(draft(2), command, first.hash, digest);
  // The hashes that the sender holds do not travel, so a false one cannot arrive.
  const forged = { ...second, hash: noHash };
  const message: Append = { ...appendHeader, entries: [first, forged] };

  expect(throughBytes({ kind: "message", message })).toEqual({
    kind: "message",
    message: { ...message, entries: [first, second] },
  });
});

test("entries that leave an index out are garbage", () => {
  const first = makeEntry(draft(1), command, noHash, digest);
  const third = makeEntry(draft(3), command, first.hash, digest);
  expect(header(appendHeader, [first.bytes, third.bytes])).toMatchObject({
    reason: "garbage",
    detail: "entry 3 where 2 was expected",
  });
});

test("an entry that is none is garbage", () => {
  expect(header(appendHeader, [Uint8Array.of(9)])).toMatchObject({ reason: "garbage" });
});

test("fields are of the exact type, range and length, and there are no others", () => {
  const ack = {
    kind: "ack",
    term: 1,
    status: "normal",
    matchIndex: 1,
    matchHash: noHash,
    round: 0,
  };
  expect(header(ack).kind).toBe("message");
  const wrong = [
    { term: -1 },
    { term: 1.5 },
    { term: "1" },
    { term: 2 ** 48 },
    { term: null },
    { status: "leading" },
    { matchHash: "00" },
    { matchHash: noHash.toUpperCase().replaceAll("0", "A") },
    { round: undefined },
    { extra: 1 },
  ];
  for (const change of wrong) {
    expect(header({ ...ack, ...change }), JSON.stringify(change)).toMatchObject({
      reason: "garbage",
    });
  }
});

test("bytes after the last attachment are garbage", () => {
  const extra = Uint8Array.of(1);
  expect(header({ kind: "ping" }, [extra])).toMatchObject({ reason: "garbage" });
  expect(header({ kind: "request-command", id: 1 }, [extra, extra])).toMatchObject({
    reason: "garbage",
  });
});

const chunk = {
  ...{ kind: "snapshot-chunk", term: 1, rosterHash: noHash, at: origin, tree: emptyFrontier },
  ...{ offset: 8, totalBytes: 10 },
};
const noSeats = { valid: [], named: [], rosters: [], namedAt: [], coldTerm: 0 };
const attached = (seats: object) => [Buffer.from(JSON.stringify(seats)), Uint8Array.of(1, 2)];

test("a snapshot chunk ends within its total", () => {
  expect(header(chunk, attached(noSeats)).kind).toBe("message");
  expect(header({ ...chunk, totalBytes: 9 }, attached(noSeats))).toMatchObject({
    detail: "snapshot-chunk: it ends beyond the total",
  });
});

test("a snapshot chunk's tree is over its entries, and has a root for each one bit", () => {
  const ten = { ...chunk, at: { ...origin, index: 10 } };
  const withTree = (size: number, roots: readonly string[]) =>
    header({ ...ten, tree: { size, roots } }, attached(noSeats));
  expect(withTree(10, [noHash, noHash]).kind).toBe("message");
  const shape = "header: tree expected a root for each one bit of the size";
  expect(withTree(10, [noHash])).toMatchObject({ detail: shape });
  expect(withTree(10, [noHash, noHash, noHash])).toMatchObject({ detail: shape });
  expect(withTree(9, [noHash, noHash])).toMatchObject({
    detail: "snapshot-chunk: a tree of 9 entries at index 10",
  });
  expect(withTree(10, [noHash, "00"])).toMatchObject({
    detail: "header: tree.roots.1 expected 64 lower-case hex digits",
  });
  expect(header({ ...ten, tree: undefined }, attached(noSeats))).toMatchObject({
    reason: "garbage",
  });
});

test("a voucher's checkpoint and signature are of the exact form", () => {
  const checkpoint = { coldTerm: 0, index: 7, logRoot: noHash, stateHash: noHash };
  const signature = `0x${"1b".repeat(65)}`;
  const vouch = { kind: "vouch", checkpoint, signature, wanting: true };
  expect(header(vouch).kind).toBe("message");
  const wrong = [
    { signature: signature.slice(0, -2) },
    { signature: signature.slice(2) },
    { signature: signature.toUpperCase() },
    { signature: undefined },
    { wanting: undefined },
    { wanting: 1 },
    { checkpoint: undefined },
    { checkpoint: { ...checkpoint, index: -1 } },
    { checkpoint: { ...checkpoint, index: 2 ** 48 } },
    { checkpoint: { ...checkpoint, index: 1.5 } },
    { checkpoint: { ...checkpoint, coldTerm: "0" } },
    { checkpoint: { ...checkpoint, logRoot: "00" } },
    { checkpoint: { ...checkpoint, stateHash: undefined } },
    { checkpoint: { ...checkpoint, extra: 1 } },
    { term: 1 },
  ];
  for (const change of wrong) {
    expect(header({ ...vouch, ...change }), JSON.stringify(change)).toMatchObject({
      reason: "garbage",
    });
  }
});

test("seats that name a member twice are garbage", () => {
  const twice = [
    [alice, noHash],
    [alice, noHash],
  ];
  expect(header(chunk, attached({ ...noSeats, valid: twice }))).toMatchObject({
    detail: "snapshot-chunk: malformed seats",
  });
});

test("a hello of another protocol version is told apart from garbage", () => {
  expect(header({ kind: "hello", version: 1, whatever: [] })).toMatchObject({
    reason: "protocol-version",
    detail: `version 1, expected ${protocolVersion}`,
  });
});

test("a rejection's detail is a line, whatever the peer wrote", () => {
  const decoded = header({ kind: "ping", ["x".repeat(10_000)]: 1 });
  expect(decoded.kind === "rejection" && decoded.detail.length).toBeLessThanOrEqual(200);
});
