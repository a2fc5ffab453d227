/**
 * One boot of one member: the real core and the real application, on simulated disk and network.
 *
 * Effects are carried out one at a time, and a fault may strike between any two of them.
 */
import type { Outcome } from "../../node/src/application/machine.ts";
import type { Checkpoint } from "../../node/src/consensus/checkpoint.ts";
import type { Effect, Halt, Send } from "../../node/src/consensus/effect.ts";
import type { Entry } from "../../node/src/consensus/entry.ts";
import type { Boot, Hash } from "../../node/src/consensus/ids.ts";
import type { Input } from "../../node/src/consensus/input.ts";
import type { Replica, Step } from "../../node/src/consensus/replica.ts";
import { step } from "../../node/src/consensus/step.ts";
import { type Applied, createApplied } from "./applied.ts";
import { type Calls, createCalls } from "./calls.ts";
import type { Disk } from "./disk.ts";
import type { Random } from "./random.ts";
import { Violation } from "./violation.ts";
import { createWriter, type Writer } from "./writer.ts";

/** What needs the member's wallet. */
export type Petition = Exclude<
  Effect,
  {
    kind:
      | ("persist" | "send" | "commit" | "restore" | "appended" | "declined" | "read-ready")
      | ("refresh-view" | "note" | "halt");
  }
>;

/** Who watches: told of all that happens, before it has consequences. */
export type Watch = {
  stepped(process: Process, before: Replica, input: Input, taken: Step): void;
  applied(process: Process, entry: Entry, outcome: Outcome | null): void;
  captured(process: Process, index: number, state: Uint8Array): void;
  /** The state as of a mark. */
  hashed(process: Process, index: number, stateHash: Hash): void;
  sending(process: Process, effect: Send): void;
};

export type ProcessOptions = {
  readonly boot: Boot;
  /** For people: the member's letter and the ordinal of its boot, as in "B2". */
  readonly name: string;
  readonly site: number;
  readonly replica: Replica;
  readonly disk: Disk;
  readonly snapshotEvery: number;
  readonly writeMs: () => number;
  readonly after: (delayMs: number, run: () => void) => void;
  readonly send: (process: Process, effect: Send) => void;
  readonly petition: (process: Process, petition: Petition) => void;
  readonly refreshView: (process: Process) => void;
  readonly halted: (process: Process, reason: Halt["reason"], detail: string) => void;
  readonly watch: Watch;
};

export type Process = {
  readonly boot: Boot;
  readonly name: string;
  readonly site: number;
  readonly disk: Disk;
  readonly calls: Calls;
  readonly applied: Applied;
  replica(): Replica;
  alive(): boolean;
  paused(): boolean;
  input(input: Input): void;
  /** Calls `strike` before the effect that comes after `effects` further ones. */
  interrupt(effects: number, strike: () => void): void;
  pause(): void;
  resume(): void;
  crash(random: Random): void;
};

/** What changes while a process runs. */
type Running = {
  readonly options: ProcessOptions;
  readonly applied: Applied;
  readonly calls: Calls;
  replica: Replica;
  alive: boolean;
  paused: boolean;
  busy: boolean;
  inbox: Input[];
  /** What the last step asked for, and how much of it is done. */
  effects: readonly Effect[];
  done: number;
  interruption: { left: number; readonly strike: () => void } | null;
};

export function createProcess(options: ProcessOptions): Process {
  const { boot, name, site, disk, replica } = options;
  const applied = createApplied(replica.snapshot);
  const running: Running = {
    options,
    applied,
    calls: createCalls(),
    replica,
    alive: true,
    paused: false,
    busy: false,
    inbox: [],
    effects: [],
    done: 0,
    interruption: null,
  };
  const writer = createWriter({
    ...options,
    send: (effect) => transmit(running, process, effect),
    report: (persisted) => process.input(persisted),
  });
  const process: Process = {
    boot,
    name,
    site,
    disk,
    calls: running.calls,
    applied,
    replica: () => running.replica,
    alive: () => running.alive,
    paused: () => running.paused,
    input(input) {
      if (!running.alive) return;
      running.inbox.push(input);
      drain(running, process, writer);
    },
    interrupt(left, strike) {
      running.interruption = { left, strike };
    },
    pause() {
      running.paused = true;
    },
    resume() {
      running.paused = false;
      drain(running, process, writer);
    },
    crash(random) {
      running.alive = false;
      writer.crash(random);
    },
  };
  return process;
}

function drain(running: Running, process: Process, writer: Writer): void {
  if (running.busy) return;
  running.busy = true;
  while (running.alive && !running.paused) {
    const effect = running.effects[running.done];
    if (effect !== undefined) {
      if (isInterrupted(running)) continue;
      running.done += 1;
      perform(running, process, writer, effect);
      continue;
    }
    const input = running.inbox.shift();
    if (input === undefined) break;
    advance(running, process, input);
  }
  running.busy = false;
  if (running.alive && !running.paused) writer.flush();
}

function isInterrupted(running: Running): boolean {
  const { interruption } = running;
  if (interruption === null) return false;
  interruption.left -= 1;
  if (interruption.left >= 0) return false;
  running.interruption = null;
  interruption.strike();
  return true;
}

function advance(running: Running, process: Process, input: Input): void {
  const taken = step(running.replica, input);
  running.options.watch.stepped(process, running.replica, input, taken);
  running.replica = taken.replica;
  running.effects = taken.effects;
  running.done = 0;
}

function perform(running: Running, process: Process, writer: Writer, effect: Effect): void {
  const { options, applied, calls } = running;
  switch (effect.kind) {
    case "persist":
      writer.persist(effect, running.replica);
      return;
    case "send":
      writer.send(effect);
      return;
    case "commit":
      for (const entry of effect.entries) applyEntry(running, process, entry);
      captureState(running, process);
      return;
    case "restore":
      applied.restore(effect.snapshot);
      calls.onApplied(applied.index());
      return;
    case "appended":
      calls.onAppended(effect);
      return;
    case "declined":
      calls.onDeclined(effect);
      return;
    case "read-ready":
      calls.onReadReady(effect);
      return;
    case "refresh-view":
      options.refreshView(process);
      return;
    case "note":
      return;
    case "halt":
      options.halted(process, effect.reason, effect.detail);
      return;
    case "sign-checkpoint": {
      // A replica that a snapshot brought past the mark has no hash of its own to vouch with.
      const { index, stateHash } = effect.checkpoint;
      if (applied.hashAt(index) === stateHash) options.petition(process, effect);
      return;
    }
    default:
      options.petition(process, effect);
  }
}

function transmit({ alive, options }: Running, process: Process, effect: Send): void {
  if (!alive) return;
  options.watch.sending(process, effect);
  options.send(process, effect);
}

function applyEntry(running: Running, process: Process, entry: Entry): void {
  const { applied, calls, options, inbox } = running;
  const outcome = applied.apply(entry);
  options.watch.applied(process, entry, outcome);
  if (outcome !== null) calls.onOutcome(entry, outcome);
  const stateHash = entry.body.kind === "mark" ? applied.hashAt(entry.index) : undefined;
  if (stateHash !== undefined) {
    options.watch.hashed(process, entry.index, stateHash);
    inbox.push({ kind: "state-hashed", index: entry.index, stateHash });
  }
  if (entry.body.kind === "checkpoint") compareState(running, process, entry.body.checkpoint);
}

function compareState({ applied }: Running, { name }: Process, checkpoint: Checkpoint): void {
  const { index, stateHash } = checkpoint;
  const own = applied.hashAt(index) ?? stateHash;
  if (own === stateHash) return;
  throw new Violation(
    "equal index, equal state",
    `${name} differs from the checkpoint at ${index}`,
  );
}

function captureState({ applied, calls, options, inbox }: Running, process: Process): void {
  calls.onApplied(applied.index());
  const captured = applied.capture(options.snapshotEvery);
  if (captured === null) return;
  options.watch.captured(process, captured.index, captured.state);
  inbox.push({ kind: "state-captured", ...captured });
}
