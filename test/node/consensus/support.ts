/** Names and entries for tests of the core. */
import { createHash } from "node:crypto";
import type { Effect } from "../../../node/src/consensus/effect.ts";
import { type Body, type Entry, makeEntry } from "../../../node/src/consensus/entry.ts";
import {
  type Boot,
  bootKey,
  type Digest,
  type Hash,
  hash,
  memberId,
  noHash,
  term,
} from "../../../node/src/consensus/ids.ts";
import type { Input } from "../../../node/src/consensus/input.ts";
import { origin, type Position } from "../../../node/src/consensus/log.ts";
import type {
  Ack,
  Append,
  Message,
  NoConfidence,
  Prepare,
  PromiseMade,
  Report,
} from "../../../node/src/consensus/message.ts";
import {
  boot,
  type Remembered,
  type Replica,
  type Setup,
  type Step,
  stay,
} from "../../../node/src/consensus/replica.ts";
import { type Roster, rosterOf } from "../../../node/src/consensus/roster.ts";
import { step } from "../../../node/src/consensus/step.ts";
import type { View } from "../../../node/src/consensus/view.ts";
import { sha256Tree } from "../../../node/src/storage/digest.ts";

export const sha256: Digest = (previous, bytes) =>
  hash(createHash("sha256").update(previous, "hex").update(bytes).digest("hex"));

/** The `ordinal`-th boot of the member in this slot. */
export function bootOf(slot: number, ordinal = 1): Boot {
  return {
    member: memberId(`0x${String(slot + 1).repeat(40)}`),
    bootKey: bootKey(`${slot + 1}${ordinal}`.repeat(32)),
  };
}

export function rosterOfBoots(boots: readonly Boot[]): Roster {
  const members = boots.map(({ member, bootKey }, slot) => ({ slot, id: member, bootKey }));
  return rosterOf(members, sha256);
}

/** Entries one after another from `after` on: each is given by its term and its body. */
export function chain(
  bodies: readonly (readonly [term: number, body: Body])[],
  after: { readonly index: number; readonly hash: string } = { index: 0, hash: noHash },
): Entry[] {
  let previous = hash(after.hash);
  return bodies.map(([inTerm, body], offset) => {
    const draft = { index: after.index + offset + 1, term: term(inTerm), timeMs: 1_000 };
    const entry = makeEntry(draft, body, previous, sha256);
    previous = entry.hash;
    return entry;
  });
}

export const command = (...payload: readonly number[]) =>
  ({ kind: "command", payload: Uint8Array.from(payload) }) as const;

export function setupOf(self: Boot): Setup {
  return {
    self,
    digest: sha256,
    treeHash: sha256Tree,
    heartbeatMs: 100,
    suspectAfterMs: 1_000,
    voteFallbackMs: 2_000,
    termWindow: 1_000,
    coldStart: "all",
    batchBytesMax: 100_000,
    chunkBytesMax: 100_000,
    batchesInFlightMax: 64,
    retainedEntries: 100,
    checkpointEvery: 1_000,
    checkpointMs: 5_000,
    anchorEveryMs: null,
    removeAfterMs: null,
  };
}

/** What the contract says of a cluster that nothing unusual has happened to. */
export function viewOf(roster: Roster, inTerm: number, leader: Boot): View {
  return {
    term: term(inTerm),
    leader: leader.member,
    roster,
    genesisSize: roster.members.length,
    coldTerm: term(0),
    revoked: [],
    departing: [],
    pending: [],
    settled: true,
    anchor: null,
  };
}

/** Takes one input after another; the effects are those of the last. */
export function takeAll(replica: Replica, inputs: readonly Input[]): Step {
  return inputs.reduce<Step>((taken, input) => takeAwake(taken.replica, input), stay(replica));
}

/** A tick comes after others, in which nothing happened: the replica was there all along. */
function takeAwake(replica: Replica, input: Input): Step {
  if (input.kind !== "tick") return step(replica, input);
  const { nowMs, awakeMs, setup } = replica;
  const byMs = Math.max(0, input.monotonicMs - nowMs - setup.heartbeatMs);
  return step({ ...replica, nowMs: nowMs + byMs, awakeMs: awakeMs + byMs }, input);
}

/** A disk that was never written to. */
export const nothing: Remembered = { promised: null, snapshot: null, entries: [] };

/** What the runner says once everything asked for so far is durable. */
export function durable({ promised, snapshot, entries }: Remembered): Input {
  const last = entries.at(-1) ?? snapshot?.at ?? origin;
  return {
    kind: "persisted",
    promisedTerm: promised?.term ?? term(0),
    lastIndex: last.index,
    lastHash: last.hash,
  };
}

/** The chain's clock at that moment of a boot. */
export const wallMsAt = (monotonicMs: number): number => 1_700_000_000_000 + monotonicMs;

export const tick = (monotonicMs: number): Input => ({
  kind: "tick",
  monotonicMs,
  wallMs: wallMsAt(monotonicMs),
});

export const hear = (from: Boot, message: Message): Input => ({ kind: "received", from, message });
export const see = (view: View): Input => ({ kind: "view", view });
export const connect = (...boots: readonly Boot[]): readonly Input[] =>
  boots.map((one) => ({ kind: "connected", boot: one }));
export const propose = (...payloads: readonly number[]): Input => ({
  kind: "propose",
  wallMs: 2_000,
  commands: payloads.map((byte, ticket) => ({ ticket, payload: Uint8Array.of(byte) })),
});

/**
 * A process that registered on an empty disk, reaches `others`, and has seen `view`: normal if that
 * lists it.
 */
export function registered(
  self: Boot,
  view: View,
  others: readonly Boot[],
  changes: Partial<Setup> = {},
): Replica {
  const born = boot({ ...setupOf(self), ...changes }, nothing, 0);
  return takeAll(born, [{ kind: "registered" }, ...connect(...others), see(view)]).replica;
}

/** A process that was started anew on an old disk. */
export function restarted(
  self: Boot,
  remembered: Partial<Remembered>,
  view: View,
  others: readonly Boot[] = [],
  changes: Partial<Setup> = {},
): Replica {
  const born = boot({ ...setupOf(self), ...changes }, { ...nothing, ...remembered }, 0);
  return takeAll(born, [durable({ ...nothing, ...remembered }), ...connect(...others), see(view)])
    .replica;
}

/** The disk has caught up with everything asked of it. */
export function synced(replica: Replica): Step {
  const { promised, log } = replica;
  const { index, hash: lastHash } = log.last;
  const promisedTerm = promised?.term ?? term(0);
  return step(replica, { kind: "persisted", promisedTerm, lastIndex: index, lastHash });
}

export function lastOf(entries: readonly Entry[]): Position {
  const last = entries.at(-1);
  return last === undefined ? origin : { index: last.index, term: last.term, hash: last.hash };
}

const of = ({ term: inTerm, roster }: View) => ({ term: inTerm, rosterHash: roster.hash });

export const prepareOf = (view: View): Prepare => ({ kind: "prepare", ...of(view) });

/** By default of a normal boot with an empty log. */
export const promiseOf = (view: View, changes: Partial<PromiseMade> = {}): PromiseMade => {
  const said = { status: "normal", last: origin, commitIndex: 0 } as const;
  return { kind: "promise", ...of(view), ...said, ...changes };
};

/** By default an active leader's sign of life to a follower with an empty log. */
export const appendOf = (view: View, changes: Partial<Append> = {}): Append => {
  const said = { previous: origin, entries: [], commitIndex: 0, round: 0, active: true };
  return { kind: "append", ...of(view), ...said, ...changes };
};

/** By default of a normal boot. */
export const ackOf = (inTerm: number, at: Position, changes: Partial<Ack> = {}): Ack => ({
  kind: "ack",
  term: term(inTerm),
  status: "normal",
  matchIndex: at.index,
  matchHash: at.hash,
  round: 0,
  ...changes,
});

/** By default of a normal boot with an empty log. */
export const reportOf = (inTerm: number, changes: Partial<Report> = {}): Report => ({
  kind: "report",
  status: "normal",
  term: term(inTerm),
  promisedTerm: term(inTerm),
  last: origin,
  commitIndex: 0,
  ...changes,
});

export const voteOf = (
  inTerm: number,
  successor: Boot,
  deadline: number,
  changes: Partial<NoConfidence> = {},
): NoConfidence => ({
  kind: "no-confidence",
  term: term(inTerm),
  successor: successor.member,
  deadline,
  signature: "0x00",
  ...changes,
});

export function ofKind<Kind extends Effect["kind"]>(
  effects: readonly Effect[],
  kind: Kind,
): readonly Extract<Effect, { readonly kind: Kind }>[] {
  return effects.filter((effect) => effect.kind === kind) as never;
}

/** The messages of one kind that these effects send, to whomever or to one boot. */
export function messagesOf<Kind extends Message["kind"]>(
  effects: readonly Effect[],
  kind: Kind,
  to?: Boot,
): readonly Extract<Message, { readonly kind: Kind }>[] {
  return ofKind(effects, "send")
    .filter((send) => send.message.kind === kind)
    .filter((send) => to === undefined || send.to.bootKey === to.bootKey)
    .map(({ message }) => message) as never;
}

/** The head of a Merkle tree over these entries: RFC 9162, section 2.1.1, word for word. */
export function treeHead(leaves: readonly Hash[]): Hash {
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return sha256Tree.leaf(only);
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256Tree.node(treeHead(leaves.slice(0, half)), treeHead(leaves.slice(half)));
}
