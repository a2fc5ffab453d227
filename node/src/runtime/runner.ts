/**
 * The one loop: inputs go into the core, effects come out and are carried out, in order.
 *
 * Callbacks only enqueue. What arrived in one turn of the event loop is stepped together, so that
 * many clients' commands become one batch, one write and one message. Writes are committed in
 * groups: while one is under way, the next gathers. Invariant: a `durable` send leaves only after
 * every persist that came before it.
 */
import type { Effect, Persist, Send, Write } from "../consensus/effect.ts";
import { type Term, term } from "../consensus/ids.ts";
import type { Input, Persisted, Ticket } from "../consensus/input.ts";
import type { Replica } from "../consensus/replica.ts";
import { step } from "../consensus/step.ts";
import { createIntake } from "./intake.ts";
import type { Journal } from "./ports.ts";

/** Effects that someone else carries out; the runner keeps persist and send to itself. */
export type Outward = Exclude<Effect, Persist | Send>;

export type RunnerOptions = {
  readonly replica: Replica;
  readonly journal: Journal;
  readonly send: (effect: Send) => void;
  readonly perform: (effect: Outward, replica: Replica) => void;
  /** Commands proposed here in this term that are neither committed nor given up. */
  readonly uncommitted: (term: Term) => number;
  readonly clock: () => { readonly monotonicMs: number; readonly wallMs: number };
  readonly tickMs: number;
  /** A defect: the core or a handler threw. The process must not go on. */
  readonly onDefect: (error: unknown) => void;
};

export type Runner = {
  input(input: Input): void;
  propose(ticket: Ticket, payload: Uint8Array): void;
  read(ticket: Ticket): void;
  replica(): Replica;
  /** Takes no further input and waits for the write under way. */
  stop(): Promise<void>;
};

export function startRunner(options: RunnerOptions): Runner {
  let { replica } = options;
  let scheduled = false;
  let stopped = false;
  const { clock, uncommitted } = options;
  const intake = createIntake({ wallMs: () => clock().wallMs, uncommitted });
  const writer = createWriter(options, input);
  const ticking = setInterval(() => input({ kind: "tick", ...options.clock() }), options.tickMs);

  function input(next: Input): void {
    intake.input(next);
    schedule();
  }

  function schedule(): void {
    if (scheduled || stopped) return;
    scheduled = true;
    setImmediate(drain);
  }

  function drain(): void {
    scheduled = false;
    if (stopped) return;
    try {
      for (const next of intake.takeInputs()) advance(next);
      // After the acks among the inputs: they may have made room for the next batch.
      for (const next of intake.takeCalls(replica)) advance(next);
      writer.flush();
    } catch (error) {
      stopped = true;
      options.onDefect(error);
    }
  }

  function advance(next: Input): void {
    const after = step(replica, next);
    replica = after.replica;
    for (const effect of after.effects) {
      if (effect.kind === "persist") writer.persist(effect, replica);
      else if (effect.kind === "send") writer.send(effect);
      else options.perform(effect, replica);
    }
  }

  return {
    input,
    propose(ticket, payload) {
      intake.propose(ticket, payload);
      schedule();
    },
    read(ticket) {
      intake.read(ticket);
      schedule();
    },
    replica: () => replica,
    async stop() {
      stopped = true;
      clearInterval(ticking);
      await writer.settled();
    },
  };
}

type Group = { writes: Write[]; sends: Send[]; persisted: Persisted };

function createWriter(
  { journal, send, onDefect }: RunnerOptions,
  report: (persisted: Persisted) => void,
) {
  let gathering: Group | null = null;
  let underWay: Group | null = null;
  let write: Promise<void> = Promise.resolve();

  function flush(): void {
    if (gathering === null || underWay !== null) return;
    const group = gathering;
    underWay = group;
    gathering = null;
    write = journal.write(group.writes).then(() => {
      underWay = null;
      for (const effect of group.sends) send(effect);
      report(group.persisted);
      flush();
    }, onDefect);
  }

  return {
    persist({ writes }: Persist, { log, promised }: Replica): void {
      if (writes.length === 1 && writes[0]?.kind === "snapshot") {
        // Nothing that leaves depends on it, and a large one takes its time.
        journal.write(writes).catch(onDefect);
        return;
      }
      const persisted: Persisted = {
        kind: "persisted",
        promisedTerm: promised?.term ?? term(0),
        lastIndex: log.last.index,
        lastHash: log.last.hash,
      };
      if (gathering === null) gathering = { writes: [...writes], sends: [], persisted };
      else {
        gathering.writes.push(...writes);
        gathering.persisted = persisted;
      }
    },
    send(effect: Send): void {
      const group = gathering ?? underWay;
      if (effect.after === "now" || group === null) send(effect);
      else group.sends.push(effect);
    },
    flush,
    async settled(): Promise<void> {
      await write;
    },
  };
}
