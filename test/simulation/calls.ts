/** Clients' calls under way at one process, answered by the rules of the node's own runtime. */
import type { Outcome } from "../../node/src/application/machine.ts";
import type { Appended, Declined, ReadReady } from "../../node/src/consensus/effect.ts";
import type { Entry } from "../../node/src/consensus/entry.ts";
import type { Term } from "../../node/src/consensus/ids.ts";
import type { Ticket } from "../../node/src/consensus/input.ts";

export type CallAnswer =
  | {
      readonly kind: "applied";
      readonly index: number;
      readonly term: Term;
      readonly value: number;
    }
  | { readonly kind: "readable"; readonly index: number; readonly term: Term }
  /** Definite: it did not and will not happen. */
  | { readonly kind: "declined" };
export type Reply = (answer: CallAnswer) => void;

export type Calls = {
  open(reply: Reply): Ticket;
  /** Runs `ready` once `index` has been applied. */
  whenApplied(index: number, ready: () => void): void;
  onAppended(effect: Appended): void;
  onDeclined(effect: Declined): void;
  onReadReady(effect: ReadReady): void;
  onOutcome(entry: Entry, outcome: Outcome): void;
  onApplied(index: number): void;
};

type Placed = { readonly term: Term; readonly reply: Reply };

export function createCalls(): Calls {
  let lastTicket = 0;
  let appliedIndex = 0;
  const open = new Map<Ticket, Reply>();
  const placed = new Map<number, Placed>();
  let applying: { readonly index: number; readonly ready: () => void }[] = [];

  function close(ticket: Ticket): Reply | undefined {
    const reply = open.get(ticket);
    open.delete(ticket);
    return reply;
  }

  return {
    open(reply) {
      lastTicket += 1;
      open.set(lastTicket, reply);
      return lastTicket;
    },
    whenApplied(index, ready) {
      if (index <= appliedIndex) ready();
      else applying.push({ index, ready });
    },
    onAppended({ tickets, firstIndex, term }) {
      tickets.forEach((ticket, offset) => {
        const reply = close(ticket);
        placed.get(firstIndex + offset)?.reply({ kind: "declined" });
        if (reply !== undefined) placed.set(firstIndex + offset, { term, reply });
      });
    },
    onDeclined({ tickets }) {
      for (const ticket of tickets) close(ticket)?.({ kind: "declined" });
    },
    onReadReady({ tickets, index, term }) {
      for (const ticket of tickets) close(ticket)?.({ kind: "readable", index, term });
    },
    onOutcome(entry, outcome) {
      const call = placed.get(entry.index);
      if (call === undefined) return;
      placed.delete(entry.index);
      if (call.term !== entry.term || outcome.kind !== "applied") {
        call.reply({ kind: "declined" });
        return;
      }
      const { index, term, result } = outcome;
      call.reply({ kind: "applied", index, term, value: Number(result) });
    },
    onApplied(index) {
      appliedIndex = index;
      const ready = applying.filter((waiting) => waiting.index <= index);
      applying = applying.filter((waiting) => waiting.index > index);
      for (const waiting of ready) waiting.ready();
    },
  };
}
