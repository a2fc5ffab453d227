/** Damage to bytes and to JSON values: what storage, networks and liars do to them. */
import fc from "fast-check";

export type Harm = {
  readonly kind: "flip" | "set" | "zero" | "cut" | "drop" | "repeat" | "insert";
  /** How far into the bytes, from 0 to 1. */
  readonly place: number;
  readonly length: number;
  readonly value: number;
};

export const harms: fc.Arbitrary<Harm> = fc.record({
  kind: fc.constantFrom("flip", "set", "zero", "cut", "drop", "repeat", "insert"),
  place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  length: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 4_096 })),
  value: fc.nat(255),
});

export function harm(bytes: Uint8Array, { kind, place, length, value }: Harm): Uint8Array {
  const at = Math.floor(place * bytes.length);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  const [hit, rest] = [after.subarray(0, length), after.subarray(length)];
  switch (kind) {
    case "flip":
      return joined(
        before,
        after.subarray(0, 1).map((byte) => byte ^ (1 << (value % 8))),
        after.subarray(1),
      );
    case "set":
      return joined(
        before,
        after.subarray(0, 1).map(() => value),
        after.subarray(1),
      );
    case "zero":
      return joined(before, new Uint8Array(hit.length), rest);
    case "cut":
      return before;
    case "drop":
      return joined(before, rest);
    case "repeat":
      return joined(before, hit, hit, rest);
    case "insert":
      return joined(before, new Uint8Array(length).fill(value), after);
    default:
      return kind satisfies never;
  }
}

const joined = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts));

/** In place of any part of a JSON value: what a reader may not have thought of. */
const oddValues: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    ...[null, true, false, 0, -0, -1, 0.5, 255, 256, 2 ** 31, 2 ** 32, 2 ** 48, 2 ** 53, 1e308],
    ...["", "0", "0x", "0x0", "0xg", "-1", "null", "0X1", "\u0000", "\ud800", "__proto__"],
    ...[[], {}, [[]], { length: 1 }, { toString: null }],
  ),
  fc.string(),
  fc.string({ unit: "binary", maxLength: 100 }),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => `0x${Buffer.from(bytes).toString("hex")}`),
  fc.integer({ min: 100, max: 5_000 }).map((length) => "f".repeat(length)),
  fc.jsonValue({ maxDepth: 3 }),
);

export type Change = {
  readonly way: readonly number[];
  readonly value: unknown;
  readonly kind: "replace" | "remove" | "add";
};

export const changes: fc.Arbitrary<Change> = fc.record({
  way: fc.array(fc.nat(20), { minLength: 1, maxLength: 6 }),
  value: oddValues,
  kind: fc.constantFrom("replace", "replace", "replace", "remove", "add"),
});

/** A copy of `value`, one part of it replaced, taken away or joined by another. */
export function change(value: unknown, { way, value: put, kind }: Change): unknown {
  const [turn = 0, ...rest] = way;
  if (typeof value !== "object" || value === null || way.length === 0) return put;
  const entries = Object.entries(value);
  const [name, part] = entries[turn % Math.max(1, entries.length)] ?? [];
  if (name === undefined) return put;
  const isInner = rest.length > 0 && typeof part === "object" && part !== null;
  const others = entries.filter(([other]) => other !== name);
  const changed = entriesAfter(entries, others, { name, kind, isInner, put, part, rest });
  return Array.isArray(value) ? changed.map(([, one]) => one) : Object.fromEntries(changed);
}

type Entries = readonly (readonly [string, unknown])[];
type Turn = {
  readonly name: string;
  readonly kind: Change["kind"];
  readonly isInner: boolean;
  readonly put: unknown;
  readonly part: unknown;
  readonly rest: readonly number[];
};

function entriesAfter(entries: Entries, others: Entries, turn: Turn): Entries {
  const { name, kind, isInner, put, part, rest } = turn;
  if (isInner) return replaced(entries, name, change(part, { way: rest, value: put, kind }));
  if (kind === "remove") return others;
  if (kind === "add") return [...entries, [`${name}+`, put]];
  return replaced(entries, name, put);
}

function replaced(entries: Entries, name: string, value: unknown): Entries {
  return entries.map(([other, old]) => [other, other === name ? value : old] as const);
}
