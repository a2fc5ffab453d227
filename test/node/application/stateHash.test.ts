import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeCommand, encodeIncrement } from "../../../node/src/application/envelope.ts";
import { apply, initialMachine, type Machine } from "../../../node/src/application/machine.ts";
import { decodeState, encodeState } from "../../../node/src/application/state.ts";
import { stateHasher } from "../../../node/src/application/stateHash.ts";
import { type Digest, noHash, term } from "../../../node/src/consensus/ids.ts";
import { sha256Chain } from "../../../node/src/storage/digest.ts";

type Entry = { readonly index: number; readonly payload: Uint8Array };
const groupSize = 64;

const next = (machine: Machine, { index, payload }: Entry): Machine =>
  apply(machine, { index, term: term(1), timeMs: index, payload }).machine;
const feed = (machine: Machine, entries: readonly Entry[]): Machine =>
  entries.reduce(next, machine);
function read(bytes: Uint8Array): Machine {
  const decoded = decodeState(bytes);
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.value;
}
/** By one who has seen nothing before. */
const hashOf = (machine: Machine) => stateHasher(sha256Chain)(machine);
const keyed = (count: number, key: (at: number) => string = (at) => `key ${at}`): Entry[] =>
  Array.from({ length: count }, (_, at) => ({
    index: at + 1,
    payload: encodeIncrement(1, key(at)),
  }));

/** Mostly new keys, so that generations fill; some come again, some commands have none. */
const logs = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 1, max: 3 }),
      by: fc.integer({ min: 1, max: 3 }),
      kind: fc.constantFrom("new", "new", "new", "again", "none", "refused"),
    }),
    { maxLength: 3 * groupSize, size: "max" },
  )
  .map((steps) => {
    let index = 0;
    return steps.map(({ gap, by, kind }): Entry => {
      index += gap;
      if (kind === "none") return { index, payload: encodeIncrement(by, null) };
      if (kind === "again") return { index, payload: encodeIncrement(by, `again ${by}`) };
      if (kind === "new") return { index, payload: encodeIncrement(by, `key ${index}`) };
      const application = { application: "later", idempotencyKey: `no ${index}`, command: "?" };
      return { index, payload: encodeCommand(application) };
    });
  });
/** Generations of less than a group, of about one, and of several. */
const windows = fc.oneof(
  fc.integer({ min: 1, max: groupSize }),
  fc.integer({ min: groupSize, max: 8 * groupSize }),
);

test("a replica restored from a snapshot at any point hashes as one that saw the whole log", () => {
  fc.assert(
    fc.property(logs, windows, (log, window) => {
      const whole = hashOf(feed(initialMachine(window), log));
      let early = initialMachine(window);
      for (const [at, entry] of log.entries()) {
        const hasher = stateHasher(sha256Chain);
        const restored = read(encodeState(early));
        hasher(restored);
        expect(hasher(feed(restored, log.slice(at)))).toBe(whole);
        early = next(early, entry);
      }
    }),
    { numRuns: 20 },
  );
});

test("hashing often, seldom or for the first time comes to the same", () => {
  fc.assert(
    fc.property(logs, windows, fc.infiniteStream(fc.boolean()), (log, window, turns) => {
      const [often, seldom] = [stateHasher(sha256Chain), stateHasher(sha256Chain)];
      let machine = initialMachine(window);
      for (const entry of log) {
        machine = next(machine, entry);
        const now = often(machine);
        if (turns.next().value === true) expect(seldom(machine)).toBe(now);
        expect(hashOf(machine)).toBe(now);
      }
    }),
    { numRuns: 30 },
  );
});

test("a machine that others went on from still has its hash", () => {
  const hasher = stateHasher(sha256Chain);
  const entries = keyed(3 * groupSize);
  const before = feed(initialMachine(), entries.slice(0, 100));
  const expected = hasher(before);
  const after = feed(before, entries.slice(100));
  const otherwise = feed(before, keyed(150, (at) => `other ${at}`).slice(100));
  const hashes = [hasher(after), hasher(otherwise), hasher(before)];
  expect(hashes).toEqual([after, otherwise, read(encodeState(before))].map(hashOf));
  expect(hashes[2]).toBe(expected);
  expect(new Set(hashes).size).toBe(3);
});

test("machines have one hash exactly when they have the same bytes", () => {
  const few = fc.array(fc.constantFrom("a", "b", null), { maxLength: 3 });
  fc.assert(
    fc.property(few, few, fc.constantFrom(9, 10), fc.constantFrom(9, 10), (keys, others, v, w) => {
      const machineOf = (window: number, of: readonly (string | null)[]) =>
        feed(
          initialMachine(window),
          of.map((key, at) => ({ index: at + 1, payload: encodeIncrement(1, key) })),
        );
      const [one, other] = [machineOf(v, keys), machineOf(w, others)];
      const areEqual = Buffer.compare(encodeState(one), encodeState(other)) === 0;
      expect(hashOf(one) === hashOf(other)).toBe(areEqual);
    }),
    { numRuns: 1_000 },
  );
});

// The records lie behind no group, in one, behind one, and in two generations.
test.for([
  [5, 1_000],
  [groupSize, 1_000],
  [groupSize + 5, 1_000],
  [groupSize + 5, groupSize + 10],
] as const)(
  "any bit of a state with %i records in a window of %i that is another changes the hash",
  ([count, window]) => {
    const machine = feed(initialMachine(window), keyed(count));
    const bytes = encodeState(machine);
    const expected = hashOf(machine);
    let readable = 0;
    for (let at = 0; at < bytes.length * 8; at += 1) {
      const flipped = bytes.with(at >> 3, (bytes[at >> 3] ?? 0) ^ (1 << (at & 7)));
      const decoded = decodeState(flipped);
      if (!decoded.ok) continue;
      readable += 1;
      expect(hashOf(decoded.value)).not.toBe(expected);
    }
    expect(readable).toBeGreaterThan(count * 100);
  },
);

test("records that changed places change the hash", () => {
  const count = groupSize + 5;
  const expected = hashOf(feed(initialMachine(), keyed(count)));
  for (const [one, other] of [
    [0, 1],
    [0, count - 1],
    [count - 2, count - 1],
  ]) {
    const places = new Map([
      [one, other],
      [other, one],
    ]);
    const swapped = keyed(count, (at) => `key ${places.get(at) ?? at}`);
    expect(hashOf(feed(initialMachine(), swapped))).not.toBe(expected);
  }
});

test("a hash costs a digest for each group that became whole since, and one over all", () => {
  let digests = 0;
  const counting: Digest = (previous, bytes) => {
    digests += 1;
    return sha256Chain(previous, bytes);
  };
  const hasher = stateHasher(counting);
  const entries = keyed(20 * groupSize);
  let machine = feed(initialMachine(), entries.slice(0, 10 * groupSize));
  hasher(machine);
  expect(digests).toBe(11);
  for (const entry of entries.slice(10 * groupSize)) machine = next(machine, entry);
  digests = 0;
  hasher(machine);
  expect(digests).toBe(11);
});

// Replicas of two releases compare their hashes: another format is another version.
test("the format is what stateHash.ts says", () => {
  const bytesOf = (value: number, size: number) =>
    Buffer.from(value.toString(16).padStart(size * 2, "0"), "hex");
  const textOf = (text: string) => Buffer.concat([bytesOf(text.length, 4), Buffer.from(text)]);
  const count = groupSize + 2;
  const records = Array.from({ length: count }, (_, at) => [
    textOf(`key ${at}`),
    bytesOf(at + 1, 6),
    textOf("counter 1"),
    bytesOf(0, 1),
    bytesOf(1, 6),
    textOf(String(at + 1)),
  ]);
  const bytes = [
    bytesOf(1, 1),
    bytesOf(1, 1),
    textOf("counter"),
    bytesOf(1, 4),
    textOf(String(count)),
    bytesOf(1_000, 6),
    bytesOf(1, 1),
    bytesOf(0, 6),
    bytesOf(count, 4),
    textOf(sha256Chain(noHash, Buffer.concat(records.slice(0, groupSize).flat()))),
    ...records.slice(groupSize).flat(),
  ];
  const machine = feed(initialMachine(1_000), keyed(count));
  expect(hashOf(machine)).toBe(sha256Chain(noHash, Buffer.concat(bytes)));
});
