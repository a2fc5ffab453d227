import fc from "fast-check";
import { expect, test } from "vitest";
import type { Entry } from "../../../node/src/consensus/entry.ts";
import { term } from "../../../node/src/consensus/ids.ts";
import {
  append,
  batchAfter,
  between,
  compact,
  entryAt,
  isGreater,
  type Log,
  logAfter,
  origin,
  positionAt,
  truncate,
} from "../../../node/src/consensus/log.ts";
import { chain, command } from "./support.ts";

/** The plain version: what precedes, and an array. */
type Plain = { readonly before: Log["before"]; readonly entries: readonly Entry[] };
type Pair = { readonly log: Log; readonly plain: Plain };

const positionOf = ({ index, term: inTerm, hash }: Entry) => ({ index, term: inTerm, hash });
const lastOf = ({ before, entries }: Plain) => {
  const last = entries.at(-1);
  return last === undefined ? before : positionOf(last);
};

type Act =
  | { readonly kind: "append"; readonly count: number; readonly payload: number }
  | { readonly kind: "truncate" | "compact"; readonly share: number }
  /** Goes on from the value that the log had some acts ago: older values must have stayed. */
  | { readonly kind: "return"; readonly acts: number };

const share = fc.double({ min: 0, max: 1, noNaN: true });
const acts: fc.Arbitrary<readonly Act[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("append" as const),
      count: fc.integer({ min: 0, max: 5 }),
      payload: fc.integer({ min: 0, max: 255 }),
    }),
    fc.record({ kind: fc.constantFrom("truncate" as const, "compact" as const), share }),
    fc.record({ kind: fc.constant("return" as const), acts: fc.integer({ min: 1, max: 5 }) }),
  ),
  { maxLength: 30 },
);

function play(history: readonly Pair[], act: Act): Pair {
  const { log, plain } = history.at(-1) as Pair;
  if (act.kind === "return") return history[Math.max(history.length - act.acts, 0)] as Pair;
  if (act.kind === "append") {
    const bodies = Array.from({ length: act.count }, () => [1, command(act.payload)] as const);
    const fresh = chain(bodies, lastOf(plain));
    return { log: append(log, fresh), plain: { ...plain, entries: [...plain.entries, ...fresh] } };
  }
  const kept = Math.round(act.share * plain.entries.length);
  const index = plain.before.index + kept;
  if (act.kind === "truncate") {
    const entries = plain.entries.slice(0, kept);
    return { log: truncate(log, index), plain: { ...plain, entries } };
  }
  const before = lastOf({ ...plain, entries: plain.entries.slice(0, kept) });
  return { log: compact(log, index), plain: { before, entries: plain.entries.slice(kept) } };
}

function expectEqual({ log, plain }: Pair): void {
  const { before, entries } = plain;
  expect(log.before).toEqual(before);
  expect(log.last).toEqual(lastOf(plain));
  for (let index = before.index - 1; index <= before.index + entries.length + 2; index += 1) {
    const entry = entries[index - before.index - 1];
    expect(entryAt(log, index)).toBe(entry);
    const position =
      index === before.index ? before : entry === undefined ? null : positionOf(entry);
    expect(positionAt(log, index)).toEqual(position);
    if (index < before.index) continue;
    expect(between(log, index, log.last.index)).toEqual(entries.slice(index - before.index));
  }
}

test("a log, and every value it ever had, agrees with a plain array", () => {
  fc.assert(
    fc.property(acts, (played) => {
      const history: Pair[] = [{ log: logAfter(origin), plain: { before: origin, entries: [] } }];
      for (const act of played) history.push(play(history, act));
      for (const pair of history) expectEqual(pair);
    }),
    { numRuns: 300 },
  );
});

test("a batch holds as many entries as fit, and one at least", () => {
  const entries = chain([
    [1, command(1, 2, 3)],
    [1, command(4)],
    [1, command(5, 6)],
  ]);
  const log = append(logAfter(origin), entries);
  const [first, second] = entries.map(({ bytes }) => bytes.length);
  const bytesOfTwo = (first ?? 0) + (second ?? 0);
  expect(batchAfter(log, 0, 1)).toEqual(entries.slice(0, 1));
  expect(batchAfter(log, 0, bytesOfTwo)).toEqual(entries.slice(0, 2));
  expect(batchAfter(log, 0, bytesOfTwo - 1)).toEqual(entries.slice(0, 1));
  expect(batchAfter(log, 1, 1_000)).toEqual(entries.slice(1));
  expect(batchAfter(log, 3, 1_000)).toEqual([]);
});

// "the log with the greatest (lastTerm, lastIndex)"
test("the later term is the greater log, then the longer one", () => {
  const at = (inTerm: number, index: number) => ({ ...origin, term: term(inTerm), index });
  expect(isGreater(at(2, 1), at(1, 9))).toBe(true);
  expect(isGreater(at(1, 9), at(2, 1))).toBe(false);
  expect(isGreater(at(2, 3), at(2, 2))).toBe(true);
  expect(isGreater(at(2, 2), at(2, 2))).toBe(false);
});
