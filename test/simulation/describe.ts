/** Inputs and effects in a few words, for traces. Null: too frequent to be worth a line. */
import type { Effect, Write } from "../../node/src/consensus/effect.ts";
import type { Body, Entry } from "../../node/src/consensus/entry.ts";
import type { BootKey } from "../../node/src/consensus/ids.ts";
import type { Input } from "../../node/src/consensus/input.ts";
import type { Message } from "../../node/src/consensus/message.ts";
import type { Member } from "../../node/src/consensus/roster.ts";
import type { View } from "../../node/src/consensus/view.ts";
import { letterOf } from "./names.ts";

type NameOf = (key: BootKey) => string;
type Line = (() => string) | null;

export function describeInput(input: Input, nameOf: NameOf): Line {
  switch (input.kind) {
    case "tick":
    case "persisted":
    case "state-captured":
    case "state-hashed":
    case "checkpoint-signed":
    case "vote-signed":
      return null;
    case "view": {
      const { view } = input;
      const cold = view.coldTerm === view.term && view.term > 0 ? ", cold" : "";
      return () => `view: ${describeView(view)}${cold}`;
    }
    case "attested":
      return () => `attestation refuses ${input.refused.map(nameOf).join(" ") || "nobody"}`;
    case "connected":
    case "disconnected":
      return () => `${input.kind} to ${nameOf(input.boot.bootKey)}`;
    case "received": {
      if (isRoutine(input.message)) return null;
      return () => `${nameOf(input.from.bootKey)}: ${describeMessage(input.message, nameOf)}`;
    }
    case "propose":
      return () => `propose ${input.commands.length}`;
    case "read":
      return () => "read";
    case "registered":
    case "step-down":
      return () => input.kind;
    default:
      return input satisfies never;
  }
}

export function describeEffect(effect: Effect, nameOf: NameOf): Line {
  switch (effect.kind) {
    case "send":
      if (isRoutine(effect.message)) return null;
      return () => `-> ${nameOf(effect.to.bootKey)}: ${describeMessage(effect.message, nameOf)}`;
    case "persist":
      return () =>
        `persist ${effect.writes.map((write) => describeWrite(write, nameOf)).join("; ")}`;
    case "commit":
      return () => `commit ${describeEntries(effect.entries, nameOf)}`;
    case "restore":
      return () => `restore the snapshot at ${effect.snapshot.at.index}`;
    case "read-ready":
      return () => `reads may be answered at ${effect.index}`;
    case "note":
      return () => `note ${effect.event} ${JSON.stringify(effect.detail)}`;
    case "halt":
      return () => `halt (${effect.reason}): ${effect.detail}`;
    case "cold-start":
      return () => `ask for a cold start of ${effect.bootKeys.map(nameOf).join(" ")}`;
    case "admit":
    case "remove":
      return () => `ask in term ${effect.term} to ${effect.kind} ${letterOf(effect.member)}`;
    case "sign-checkpoint":
    case "anchor":
      return () => `${effect.kind} at ${effect.checkpoint.index}`;
    case "report-equivocation":
      return () => `report the equivocation of ${letterOf(effect.member)}`;
    case "appended":
    case "declined":
    case "refresh-view":
    case "sign-vote":
      return null;
    default:
      return () => `ask for ${effect.kind} in term ${effect.term} to ${letterOf(effect.successor)}`;
  }
}

/** Heartbeats and gossip; acks are told by `describeAck`. */
function isRoutine(message: Message): boolean {
  if (message.kind === "append") return message.entries.length === 0;
  return message.kind === "ack" || message.kind === "report" || message.kind === "vouch";
}

/** An ack of more than `known`, this boot's last one: those of heartbeats say nothing new. */
export function describeAck(effect: Effect, known: string, nameOf: NameOf): string | null {
  if (effect.kind !== "send" || effect.message.kind !== "ack") return null;
  const said = `-> ${nameOf(effect.to.bootKey)}: ${describeMessage(effect.message, nameOf)}`;
  return said === known ? null : said;
}

export function describeMessage(message: Message, nameOf: NameOf): string {
  switch (message.kind) {
    case "append": {
      const { term, previous, entries, commitIndex } = message;
      const what = entries.length === 0 ? "nothing new" : describeEntries(entries, nameOf);
      return `append in ${term} after ${previous.index}: ${what}, committed to ${commitIndex}`;
    }
    case "ack":
      return `ack ${message.matchIndex} in ${message.term}, ${message.status}`;
    case "reject":
      return `reject in ${message.term}, go on after ${message.hint}`;
    case "promise": {
      const { term, last, status } = message;
      return `promise ${term}, log up to ${last.index} of term ${last.term}, ${status}`;
    }
    case "refusal":
      return `refuse ${message.term}: ${message.reason} (promised ${message.promisedTerm})`;
    case "report": {
      const { term, status, last, commitIndex } = message;
      return `report ${status} in ${term}, log up to ${last.index}, committed to ${commitIndex}`;
    }
    case "fetch":
      return `fetch for ${message.term} after ${message.after.index}`;
    case "fetched":
      return `fetched for ${message.term}: ${describeEntries(message.entries, nameOf)}`;
    case "snapshot-chunk":
      return `snapshot at ${message.at.index} from byte ${message.offset} of ${message.totalBytes}`;
    case "snapshot-ack":
      return `snapshot at ${message.atIndex}, held ${message.offset} bytes`;
    case "no-confidence":
      return `no confidence in ${message.term}, successor ${letterOf(message.successor)}`;
    case "vouch":
      return `vouch for index ${message.checkpoint.index}`;
    default:
      return `${message.kind} in ${message.term}`;
  }
}

function describeWrite(write: Write, nameOf: NameOf): string {
  switch (write.kind) {
    case "promise":
      return `the promise of ${write.promised.term} to ${nameOf(write.promised.leaderBootKey)}`;
    case "entries":
      return `after ${write.after} ${describeEntries(write.entries, nameOf)}`;
    case "snapshot":
    case "install":
      return `${write.kind} at ${write.snapshot.at.index}`;
    default:
      return write satisfies never;
  }
}

function describeEntries(entries: readonly Entry[], nameOf: NameOf): string {
  if (entries.length === 0) return "nothing";
  const first = entries[0] as Entry;
  if (entries.length > 3) {
    return `${describeEntry(first, nameOf)} .. ${describeEntry(entries.at(-1) as Entry, nameOf)}`;
  }
  return entries.map((entry) => describeEntry(entry, nameOf)).join(", ");
}

function describeEntry({ index, term, body }: Entry, nameOf: NameOf): string {
  return `${index}/${term} ${describeBody(body, nameOf)}`;
}

function describeBody(body: Body, nameOf: NameOf): string {
  switch (body.kind) {
    case "rejoin":
      return `rejoin of ${nameOf(body.bootKey)}`;
    case "term-start":
      return `${body.cold ? "cold " : ""}term-start of ${lettersOf(body.roster.members)}`;
    case "checkpoint":
      return `checkpoint of ${body.checkpoint.index}`;
    default:
      return body.kind;
  }
}

function describeView({ term, leader, roster, pending, departing, revoked }: View): string {
  const leaving = [...departing, ...revoked].map(letterOf).join("");
  return (
    `term ${term} under ${letterOf(leader)}, members ${lettersOf(roster.members)}` +
    (pending.length > 0 ? `, pending ${lettersOf(pending)}` : "") +
    (leaving === "" ? "" : `, leaving ${leaving}`)
  );
}

const lettersOf = (members: readonly Member[]): string =>
  members.map(({ id }) => letterOf(id)).join("");
