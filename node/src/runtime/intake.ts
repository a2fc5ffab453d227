/** What the loop takes up next: inputs as they came, and clients' calls in batches. */
import type { Term } from "../consensus/ids.ts";
import type { Input, Ticket } from "../consensus/input.ts";
import type { Replica } from "../consensus/replica.ts";
import { isBetweenTerms } from "./leading.ts";

export type IntakeOptions = {
  readonly wallMs: () => number;
  /** Commands proposed here in this term that are neither committed nor given up. */
  readonly uncommitted: (term: Term) => number;
};

export type Intake = {
  input(next: Input): void;
  propose(ticket: Ticket, payload: Uint8Array): void;
  read(ticket: Ticket): void;
  takeInputs(): readonly Input[];
  /** Of the calls, what may go to the core now: at most one batch of commands, and all reads. */
  takeCalls(replica: Replica): readonly Input[];
};

/**
 * Bounds what one turn of the event loop does for clients, at some 20 µs a command. More would not
 * be committed sooner: writes of this size keep the disks and the other members busy.
 */
export const batchMax = 256;

/**
 * Gathers what arrives until the loop's next turn; commands and reads become one input each.
 *
 * Commands are held back while more are under way than wait: the clients of a busy leader then fall
 * into two alternating batches, whatever their number, where each would cost every member a write
 * and a message of its own. A lone client never waits. More than two full batches are never under
 * way: what else waits does so here, where it costs the members nothing.
 */
export function createIntake({ wallMs, uncommitted }: IntakeOptions): Intake {
  let inbox: Input[] = [];
  let commands: { ticket: Ticket; payload: Uint8Array }[] = [];
  let reads: Ticket[] = [];

  function areDue({ office }: Replica): boolean {
    if (commands.length === 0) return false;
    if (office?.stage !== "active") return true;
    const underWay = uncommitted(office.term);
    return commands.length >= underWay && underWay < 2 * batchMax;
  }

  return {
    input: (next) => {
      inbox.push(next);
    },
    propose: (ticket, payload) => {
      commands.push({ ticket, payload });
    },
    read: (ticket) => {
      reads.push(ticket);
    },
    takeInputs() {
      const taken = inbox;
      inbox = [];
      return taken;
    },
    takeCalls(replica) {
      const calls: Input[] = [];
      if (replica.office !== null && isBetweenTerms(replica.office)) return calls;
      if (areDue(replica)) {
        calls.push({ kind: "propose", wallMs: wallMs(), commands: commands.slice(0, batchMax) });
        commands = commands.slice(batchMax);
      }
      if (reads.length > 0) {
        calls.push({ kind: "read", tickets: reads });
        reads = [];
      }
      return calls;
    },
  };
}
