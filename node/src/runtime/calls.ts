/**
 * Clients' calls under way: a ticket each, from the call to its answer.
 *
 * A command's fate is definite as soon as its entry is committed, or another entry is committed in
 * its place; until then a time-out is indefinite, since the entry may yet be committed.
 */
import type { Outcome } from "../application/machine.ts";
import type { Appended, Declined, ReadReady } from "../consensus/effect.ts";
import type { Entry } from "../consensus/entry.ts";
import type { Term } from "../consensus/ids.ts";
import type { Ticket } from "../consensus/input.ts";
import { ClusterError } from "../errors.ts";
import type { Serving } from "./leading.ts";
import type { CallFault } from "./ports.ts";

export class CallError extends ClusterError<CallFault> {}

export type Applied = Extract<Outcome, { kind: "applied" }>;
export type ReadIndex = { readonly index: number; readonly term: Term };

export type Call<T> = {
  readonly sinceMs: number;
  readonly resolve: (value: T) => void;
  readonly reject: (error: CallError) => void;
};
type Placed = Call<Applied> & { readonly term: Term };

export type Calls = {
  /** @throws CallError */
  command(begin: (ticket: Ticket) => void): Promise<Applied>;
  /** @throws CallError */
  read(begin: (ticket: Ticket) => void): Promise<ReadIndex>;
  /** Resolves once `index` has been applied here. @throws CallError read.timeout */
  applied(index: number): Promise<void>;
  onAppended(effect: Appended): void;
  onDeclined(effect: Declined): void;
  onReadReady(effect: ReadReady): void;
  onOutcome(entry: Entry, outcome: Outcome): void;
  onApplied(index: number): void;
  /** Ends calls that have waited too long, and for a leader that was replaced. */
  sweep(serving: Serving | null): void;
  /** Ends all: the node is stopping. */
  abandon(): void;
  /** Commands that this leader put into the log in `term`, and whose fate is open. */
  uncommitted(term: Term): number;
  /** Calls under way here, members' as well as clients'. */
  waiting(): number;
};

export type CallLimits = {
  readonly commandMsMax: number;
  readonly readMsMax: number;
  readonly waitingMax: number;
};

export function createCalls(limits: CallLimits, nowMs: () => number): Calls {
  let lastTicket = 0;
  let appliedIndex = 0;
  const proposed = new Map<Ticket, Call<Applied>>();
  /** In the log in the term `placedIn`; `overtaken` holds those of earlier terms. */
  const placed = new Map<number, Placed>();
  const overtaken = new Map<number, Placed>();
  let placedIn: Term | null = null;
  const reading = new Map<Ticket, Call<ReadIndex>>();
  const applying = new Map<Ticket, Call<void> & { readonly index: number }>();
  const all = { proposed, placed, overtaken, reading, applying };
  const waiting = () => proposed.size + placed.size + overtaken.size + reading.size + applying.size;

  function open<T>(calls: Map<Ticket, Call<T>>, begin: (ticket: Ticket) => void): Promise<T> {
    if (waiting() >= limits.waitingMax) {
      return Promise.reject(overloaded(`${limits.waitingMax} calls are waiting already`));
    }
    lastTicket += 1;
    const ticket = lastTicket;
    return new Promise<T>((resolve, reject) => {
      calls.set(ticket, { sinceMs: nowMs(), resolve, reject });
      begin(ticket);
    });
  }

  return {
    command: (begin) => open(proposed, begin),
    read: (begin) => open(reading, begin),
    applied(index) {
      if (index <= appliedIndex) return Promise.resolve();
      lastTicket += 1;
      return new Promise<void>((resolve, reject) => {
        applying.set(lastTicket, { index, sinceMs: nowMs(), resolve, reject });
      });
    },
    onAppended({ tickets, firstIndex, term }) {
      if (term !== placedIn) {
        moveAll(placed, overtaken);
        placedIn = term;
      }
      tickets.forEach((ticket, offset) => {
        const call = take(proposed, ticket);
        if (call === undefined) return;
        // Another entry of ours at this index was replaced before it was committed.
        take(overtaken, firstIndex + offset)?.reject(notTakenUp());
        placed.set(firstIndex + offset, { ...call, term });
      });
    },
    onDeclined({ tickets }) {
      for (const ticket of tickets) {
        (take(proposed, ticket) ?? take(reading, ticket))?.reject(notTakenUp());
      }
    },
    onReadReady({ tickets, index, term }) {
      for (const ticket of tickets) take(reading, ticket)?.resolve({ index, term });
    },
    onOutcome(entry, outcome) {
      const call = take(placed, entry.index) ?? take(overtaken, entry.index);
      if (call === undefined) return;
      if (call.term !== entry.term) call.reject(notTakenUp());
      else if (outcome.kind === "applied") call.resolve(outcome);
      else call.reject(new CallError(outcome.fault, "the application refused the command"));
    },
    onApplied(index) {
      appliedIndex = index;
      for (const [ticket, call] of applying) {
        if (call.index > index) continue;
        applying.delete(ticket);
        call.resolve();
      }
    },
    sweep: (serving) => sweep(all, limits, { nowMs: nowMs(), serving }),
    abandon: () => abandon(all),
    uncommitted: (term) => (term === placedIn ? placed.size : 0),
    waiting,
  };
}

type Waiting = {
  readonly proposed: Map<Ticket, Call<Applied>>;
  readonly placed: Map<number, Placed>;
  readonly overtaken: Map<number, Placed>;
  readonly reading: Map<Ticket, Call<ReadIndex>>;
  readonly applying: Map<Ticket, Call<void> & { readonly index: number }>;
};

type Moment = { readonly nowMs: number; readonly serving: Serving | null };

function sweep(calls: Waiting, limits: CallLimits, { nowMs, serving }: Moment): void {
  const command = (waitedMs: number) =>
    new CallError({ code: "commit.timeout", waitedMs }, "not committed in time");
  const read = (waitedMs: number) =>
    new CallError({ code: "read.timeout", waitedMs }, "the read was not confirmed in time");
  expire(calls.proposed, nowMs, limits.commandMsMax, command);
  expire(calls.placed, nowMs, limits.commandMsMax, command);
  expire(calls.overtaken, nowMs, limits.commandMsMax, command);
  expire(calls.reading, nowMs, limits.readMsMax, read);
  expire(calls.applying, nowMs, limits.readMsMax, read);
  if (serving === null || serving.isSelf) return;
  for (const led of [calls.overtaken, calls.placed]) {
    endReplaced(led, nowMs, ({ term }) => term < serving.term);
  }
}

/** In the hand-over of a leader that lives, calls are answered by it long before. */
const replacedMsMin = 500;

/**
 * Ends calls whose leader was replaced: without their end they would wait for one that is gone, as
 * long as for one that is slow, and keep others from being taken meanwhile.
 */
export function endReplaced<T extends Pick<Call<never>, "sinceMs" | "reject">>(
  calls: Map<number, T>,
  nowMs: number,
  isReplaced: (call: T) => boolean,
): void {
  for (const [key, call] of calls) {
    if (nowMs - call.sinceMs < replacedMsMin) return;
    if (!isReplaced(call)) continue;
    calls.delete(key);
    call.reject(
      new CallError({ code: "leader.lost" }, "another leader took over before the answer"),
    );
  }
}

/** The node stops: a command under way may yet be committed by those who go on. */
function abandon({ proposed, placed, overtaken, reading, applying }: Waiting): void {
  const lost = () => new CallError({ code: "leader.lost" }, "the node stopped before the answer");
  const stopped = () =>
    new CallError({ code: "node.unavailable", reason: "the node is stopping" }, "stopping");
  expire(placed, Number.POSITIVE_INFINITY, 0, lost);
  expire(overtaken, Number.POSITIVE_INFINITY, 0, lost);
  for (const calls of [proposed, reading, applying] as Map<Ticket, Call<never>>[]) {
    expire(calls, Number.POSITIVE_INFINITY, 0, stopped);
  }
}

function moveAll<K, V>(from: Map<K, V>, to: Map<K, V>): void {
  for (const [key, value] of from) to.set(key, value);
  from.clear();
}

function take<K, V>(calls: Map<K, V>, key: K): V | undefined {
  const call = calls.get(key);
  if (call !== undefined) calls.delete(key);
  return call;
}

/** Calls are kept in the order they were made, so the oldest come first. */
function expire<T>(
  calls: Map<number, Call<T>>,
  nowMs: number,
  limitMs: number,
  error: (waitedMs: number) => CallError,
): void {
  for (const [key, call] of calls) {
    const waitedMs = Math.round(nowMs - call.sinceMs);
    if (waitedMs < limitMs) return;
    calls.delete(key);
    call.reject(error(waitedMs));
  }
}

const retryAfterSecondsMax = 3;

/** Those who are turned away come back apart: after one to three whole seconds, as the header has. */
export function overloaded(detail: string): CallError {
  const seconds = 1 + Math.floor(Math.random() * retryAfterSecondsMax);
  return new CallError({ code: "overloaded", retryAfterMs: seconds * 1_000 }, detail);
}

function notTakenUp(): CallError {
  return new CallError({ code: "leader.unknown" }, "no active leader took the call up");
}
