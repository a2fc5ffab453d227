/** protocol.md, 4.1 to 4.7: what a leader asks for, and when a replica gives its word. */
import { expect, test } from "vitest";
import { type Boot, term } from "../../../../node/src/consensus/ids.ts";
import { emptyFrontier } from "../../../../node/src/consensus/merkle.ts";
import type { Message } from "../../../../node/src/consensus/message.ts";
import { noSeats } from "../../../../node/src/consensus/seats.ts";
import { step } from "../../../../node/src/consensus/step.ts";
import type { View } from "../../../../node/src/consensus/view.ts";
import {
  appendOf,
  bootOf,
  chain,
  command,
  connect,
  hear,
  lastOf,
  messagesOf,
  ofKind,
  prepareOf,
  propose,
  registered,
  rosterOfBoots,
  see,
  takeAll,
  viewOf,
} from "../support.ts";
import { serving } from "./cluster.ts";

const [a, b, c, d] = [bootOf(0), bootOf(1), bootOf(2), bootOf(3)] as const;
const genesis = rosterOfBoots([a, b, c]);
const viewIn = (inTerm: number, leader: Boot) => viewOf(genesis, inTerm, leader);
const entries = chain([
  [3, { kind: "term-start", roster: genesis, cold: false }],
  [3, command(1)],
]);

const chunkOf = (view: View): Message => ({
  kind: "snapshot-chunk",
  term: view.term,
  rosterHash: view.roster.hash,
  at: lastOf(entries),
  seats: noSeats,
  tree: emptyFrontier,
  offset: 0,
  totalBytes: 1,
  bytes: Uint8Array.of(1),
});

test("4.1 a leader makes its own promise durable, then asks every live boot", () => {
  const b2 = bootOf(1, 2);
  const before = takeAll(registered(a, viewIn(1, b), [b, c, b2, d]), [
    { kind: "disconnected", boot: d },
  ]);
  const { effects } = step(before.replica, see(viewIn(2, a)));
  const asked = ofKind(effects, "send").filter(({ message }) => message.kind === "prepare");
  expect(asked.map(({ to }) => to)).toEqual([b, c, b2]);
  expect(new Set(asked.map(({ after }) => after))).toEqual(new Set(["durable"]));
  expect(asked[0]?.message).toEqual(prepareOf(viewIn(2, a)));
  const promised = { term: 2, leaderBootKey: a.bootKey, rosterHash: genesis.hash };
  expect(effects.slice(0, 2)).toEqual([
    { kind: "persist", writes: [{ kind: "promise", promised }] },
    asked[0],
  ]);
});

test("4.1 a boot that becomes reachable later is asked then", () => {
  const gathering = registered(a, viewIn(2, a), [b]);
  expect(messagesOf(takeAll(gathering, connect(c)).effects, "prepare", c)).toHaveLength(1);
});

test("4.2 a replica whose view confirms the leader promises", () => {
  const { replica, effects } = step(
    registered(b, viewIn(2, a), [a, c]),
    hear(a, prepareOf(viewIn(2, a))),
  );
  expect(messagesOf(effects, "promise", a)).toHaveLength(1);
  expect(replica.promised).toMatchObject({ term: 2, leaderBootKey: a.bootKey });
});

test.each([
  { says: "another leader", view: viewIn(2, c) },
  { says: "another roster", view: viewOf(rosterOfBoots([a, b, c, d]), 2, a) },
  { says: "a later term", view: viewIn(3, a) },
])("4.2 a replica whose view shows $says refuses", ({ view }) => {
  const { replica, effects } = step(registered(b, view, [a]), hear(a, prepareOf(viewIn(2, a))));
  expect(messagesOf(effects, "refusal", a)).toMatchObject([
    { term: 2, reason: "not-the-leader-by-my-view" },
  ]);
  expect(replica.promised).toBeNull();
});

test("4.2 a replica whose view is behind refreshes it, and hears what waited for it again", () => {
  const waiting = step(registered(b, viewIn(1, c), [a]), hear(a, prepareOf(viewIn(2, a))));
  expect(ofKind(waiting.effects, "refresh-view")).toHaveLength(1);
  expect(ofKind(waiting.effects, "send")).toEqual([]);
  expect(waiting.replica.promised).toBeNull();
  const seen = step(waiting.replica, see(viewIn(2, a)));
  expect(messagesOf(seen.effects, "promise", a)).toHaveLength(1);
});

test("4.2 entries of a term that the view does not show yet wait for it as well", () => {
  const append = appendOf(viewIn(3, a), { entries });
  const waiting = step(registered(b, viewIn(2, c), [a]), hear(a, append));
  expect(waiting.replica.log.last.index).toBe(0);
  expect(ofKind(waiting.effects, "refresh-view")).toHaveLength(1);
  expect(step(waiting.replica, see(viewIn(3, a))).replica.log.last.index).toBe(2);
});

/** A normal member that promised `a` the term 5, and then saw `view`. */
function boundTo5(view: View) {
  const bound = step(registered(b, viewIn(5, a), [a, c]), hear(a, prepareOf(viewIn(5, a))));
  return step(bound.replica, see(view)).replica;
}

test("4.3 a replica that promised a higher term refuses", () => {
  const { effects } = step(boundTo5(viewIn(4, c)), hear(c, prepareOf(viewIn(4, c))));
  const refusal = { kind: "refusal", term: 4, reason: "higher-term-promised", promisedTerm: 5 };
  expect(messagesOf(effects, "refusal", c)).toEqual([refusal]);
  expect(messagesOf(effects, "promise")).toEqual([]);
});

test("4.3 a replica that promised this term to another boot refuses", () => {
  const { effects } = step(boundTo5(viewIn(5, a)), hear(bootOf(0, 2), prepareOf(viewIn(5, a))));
  expect(messagesOf(effects, "refusal")).toMatchObject([{ reason: "other-boot-promised" }]);
  expect(messagesOf(effects, "promise")).toEqual([]);
});

test("4.3 a replica that promised this term to another roster refuses", () => {
  const grown = viewOf(rosterOfBoots([a, b, c, d]), 5, a);
  const { effects } = step(boundTo5(grown), hear(a, prepareOf(grown)));
  expect(messagesOf(effects, "refusal")).toMatchObject([{ reason: "other-boot-promised" }]);
  expect(messagesOf(effects, "promise")).toEqual([]);
});

test("4.3 the boot and roster that were promised are told so again", () => {
  const { effects } = step(boundTo5(viewIn(5, a)), hear(a, prepareOf(viewIn(5, a))));
  expect(messagesOf(effects, "promise", a)).toHaveLength(1);
});

test("4.4 the promise is durable before the answer leaves", () => {
  const { effects } = step(registered(b, viewIn(2, a), [a]), hear(a, prepareOf(viewIn(2, a))));
  const promised = { term: 2, leaderBootKey: a.bootKey, rosterHash: genesis.hash };
  expect(effects).toMatchObject([
    { kind: "persist", writes: [{ kind: "promise", promised }] },
    { kind: "send", to: a, message: { kind: "promise" }, after: "durable" },
  ]);
});

const wordsOf = (view: View) => [
  { says: "prepare", message: prepareOf(view) },
  { says: "append", message: appendOf(view, { entries }) },
  { says: "snapshot", message: chunkOf(view) },
];

test.each(wordsOf(viewIn(4, c)))("4.4 from then on, a $says of a lower term is refused", (word) => {
  const bound = boundTo5(viewIn(4, c));
  const { replica, effects } = step(bound, hear(c, word.message));
  expect(messagesOf(effects, "refusal", c)).toMatchObject([{ reason: "higher-term-promised" }]);
  expect(replica.log).toEqual(bound.log);
  expect(replica.incoming).toBeNull();
});

test.each(wordsOf(viewIn(5, a)))("4.4 from then on, a $says of another boot is refused", (word) => {
  const bound = boundTo5(viewIn(5, a));
  const { replica, effects } = step(bound, hear(bootOf(0, 2), word.message));
  expect(messagesOf(effects, "refusal")).toMatchObject([{ reason: "other-boot-promised" }]);
  expect(replica.log).toEqual(bound.log);
  expect(replica.incoming).toBeNull();
});

test.each([
  { says: "append", message: appendOf(viewIn(3, a), { entries }) },
  { says: "snapshot", message: chunkOf(viewIn(3, a)) },
])("4.5 accepting an $says binds like a promise, durably", ({ message }) => {
  const { replica, effects } = step(registered(b, viewIn(3, a), [a]), hear(a, message));
  const [first, second] = ofKind(effects, "persist").flatMap(({ writes }) => writes);
  const promised = { term: 3, leaderBootKey: a.bootKey, rosterHash: genesis.hash };
  expect(first).toEqual({ kind: "promise", promised });
  expect(second?.kind).toBe(message.kind === "append" ? "entries" : "install");
  const another = step(replica, hear(bootOf(0, 2), prepareOf(viewIn(3, a))));
  expect(messagesOf(another.effects, "refusal")).toMatchObject([{ reason: "other-boot-promised" }]);
});

test("4.6 a leader that follows a higher term has left office, and declines what waited", () => {
  const cluster = serving([a, b, c]);
  cluster.cut(b, c);
  cluster.take(a, { kind: "read", tickets: [7] });
  cluster.show(viewIn(2, b));
  cluster.mend(b, c);
  cluster.take(a, hear(b, prepareOf(viewIn(2, b))));
  expect(cluster.replica(a).office).toBeNull();
  expect(cluster.replica(a).promised?.term).toBe(2);
  expect(ofKind(cluster.effects(a), "declined")).toEqual([{ kind: "declined", tickets: [7] }]);
  expect(ofKind(cluster.take(a, propose(1)), "declined")).toHaveLength(1);
});

test("4.6 so has one that the contract shows a higher term under another, before it promises", () => {
  const cluster = serving([a, b, c]);
  cluster.show(viewIn(2, b), a);
  expect(cluster.replica(a)).toMatchObject({ office: null, promised: { term: 1 } });
});

test("4.7 a term beyond the window above the last committed one is not promised", () => {
  const askedIn = (inTerm: number, of = registered(b, viewIn(inTerm, a), [a])) =>
    step(of, hear(a, prepareOf(viewIn(inTerm, a)))).effects;
  expect(messagesOf(askedIn(1_000), "promise")).toHaveLength(1);
  expect(messagesOf(askedIn(1_001), "promise")).toEqual([]);
  expect(messagesOf(askedIn(1_001), "refusal")).toMatchObject([{ reason: "term-outside-window" }]);

  const told = appendOf(viewIn(3, a), { entries, commitIndex: 1 });
  const holding = step(registered(b, viewIn(3, a), [a]), hear(a, told)).replica;
  const later = (inTerm: number) => step(holding, see(viewIn(inTerm, a))).replica;
  expect(messagesOf(askedIn(1_003, later(1_003)), "promise")).toHaveLength(1);
  expect(messagesOf(askedIn(1_004, later(1_004)), "promise")).toEqual([]);
});

test("4.7 entries that are not committed do not move the window", () => {
  const told = appendOf(viewIn(3, a), { entries });
  const holding = step(registered(b, viewIn(3, a), [a]), hear(a, told)).replica;
  const seen = step(holding, see(viewIn(1_003, a))).replica;
  const { effects } = step(seen, hear(a, prepareOf(viewIn(1_003, a))));
  expect(messagesOf(effects, "refusal")).toMatchObject([{ reason: "term-outside-window" }]);
  expect(seen.promised?.term).toBe(term(3));
});
