/** Carries out the core's effects, but for persist and send, which are the runner's. */
import type { Checkpoint } from "../consensus/checkpoint.ts";
import type { Halt } from "../consensus/effect.ts";
import type { Hash } from "../consensus/ids.ts";
import type { Input } from "../consensus/input.ts";
import type { Replica } from "../consensus/replica.ts";
import type { Calls } from "./calls.ts";
import type { Petitioner } from "./petitions.ts";
import type { Log, SignCheckpoint } from "./ports.ts";
import type { CommitEvents, Replicated } from "./replicated.ts";
import type { Outward } from "./runner.ts";

/** EX_TEMPFAIL: start again as a new boot. */
export const exitReplaced = 75;
/** EX_SOFTWARE: an invariant is broken; starting again would not mend it. */
export const exitInvariant = 70;

export type PerformerOptions = {
  readonly replicated: Replicated;
  readonly calls: Calls;
  readonly petitioner: Petitioner;
  readonly signCheckpoint: SignCheckpoint;
  readonly input: (input: Input) => void;
  readonly refreshView: () => void;
  readonly snapshotEvery: number;
  readonly log: Log;
  readonly onHalt: (exitCode: number, why: string) => void;
};

/** Invariant: once it has called `onHalt`, it carries out and signs nothing more. */
export function createPerformer(
  options: PerformerOptions,
): (effect: Outward, replica: Replica) => void {
  const { replicated, calls, petitioner, log } = options;
  const ending = createEnding(options);
  const sign = createSigner(options, ending);
  const events: CommitEvents = {
    onOutcome: calls.onOutcome,
    onStateHashed: (index, stateHash) => options.input({ kind: "state-hashed", index, stateHash }),
    onDivergence: ending.diverged,
  };

  function onApplied({ log: entries }: Replica): void {
    calls.onApplied(replicated.appliedIndex());
    const captured = replicated.capture(options.snapshotEvery);
    if (captured === null) return;
    options.input({ kind: "state-captured", ...captured });
    replicated.forget(entries.before.index);
  }

  return (effect, replica) => {
    if (ending.hasBegun()) return;
    switch (effect.kind) {
      case "commit":
        replicated.commit(effect.entries, events);
        // No answer from a state that has diverged, and no snapshot of it.
        if (!ending.hasBegun()) onApplied(replica);
        break;
      case "restore":
        replicated.restore(effect.snapshot);
        onApplied(replica);
        break;
      case "sign-checkpoint":
        sign(effect.checkpoint);
        break;
      case "appended":
        calls.onAppended(effect);
        break;
      case "declined":
        calls.onDeclined(effect);
        break;
      case "read-ready":
        calls.onReadReady(effect);
        break;
      case "refresh-view":
        options.refreshView();
        break;
      case "note":
        log[effect.severity]({ event: effect.event, ...effect.detail }, effect.event);
        break;
      case "halt":
        ending.halted(effect);
        break;
      default:
        if (replica.view !== null) petitioner.carryOut(effect, replica.view);
    }
  };
}

type Ending = {
  hasBegun(): boolean;
  halted(halt: Halt): void;
  diverged(checkpoint: Checkpoint, own: Hash): void;
};

function createEnding({ log, onHalt }: PerformerOptions): Ending {
  let begun = false;

  function end(exitCode: number, fields: object, why: string): void {
    begun = true;
    log.error(fields, why);
    onHalt(exitCode, why);
  }

  return {
    hasBegun: () => begun,
    halted({ reason, detail }) {
      end(reason === "invariant" ? exitInvariant : exitReplaced, { reason }, detail);
    },
    diverged({ index, stateHash: expected }, own) {
      const why =
        `the state as of index ${index} has the hash ${own} here, ` +
        `and ${expected} by the checkpoint in the log: equal entries led to different states ` +
        "at this replica and at the leader of then, so it stops rather than answer from its own";
      end(exitInvariant, { reason: "divergence", index, own, expected }, why);
    },
  };
}

/** Signs what this replica's own state bears out. */
function createSigner(
  { replicated, signCheckpoint, input, log }: PerformerOptions,
  ending: Ending,
): (checkpoint: Checkpoint) => void {
  return (checkpoint) => {
    const { index, stateHash } = checkpoint;
    const own = replicated.stateHashAt(index);
    if (own === undefined) {
      log.debug({ index }, "a checkpoint is left unsigned: the state as of it was not seen here");
      return;
    }
    if (own !== stateHash) {
      ending.diverged(checkpoint, own);
      return;
    }
    signCheckpoint(checkpoint).then(
      (signature) => {
        if (ending.hasBegun()) return;
        input({ kind: "checkpoint-signed", voucher: { checkpoint, signature } });
      },
      (error) => log.warn({ index, reason: String(error) }, "a checkpoint could not be signed"),
    );
  };
}
