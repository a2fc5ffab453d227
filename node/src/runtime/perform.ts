/** Carries out the core's effects, but for persist and send, which are the runner's. */
import type { Input } from "../consensus/input.ts";
import type { Replica } from "../consensus/replica.ts";
import type { Calls } from "./calls.ts";
import type { Petitioner } from "./petitions.ts";
import type { Log } from "./ports.ts";
import type { Replicated } from "./replicated.ts";
import type { Outward } from "./runner.ts";

/** EX_TEMPFAIL: start again as a new boot. */
export const exitReplaced = 75;
/** EX_SOFTWARE: an invariant is broken; starting again would not mend it. */
export const exitInvariant = 70;

export type PerformerOptions = {
  readonly replicated: Replicated;
  readonly calls: Calls;
  readonly petitioner: Petitioner;
  readonly input: (input: Input) => void;
  readonly refreshView: () => void;
  readonly snapshotEvery: number;
  readonly log: Log;
  readonly onHalt: (exitCode: number, why: string) => void;
};

export function createPerformer(
  options: PerformerOptions,
): (effect: Outward, replica: Replica) => void {
  const { replicated, calls, petitioner, log } = options;

  function onApplied({ log: entries }: Replica): void {
    calls.onApplied(replicated.appliedIndex());
    const captured = replicated.capture(options.snapshotEvery);
    if (captured === null) return;
    options.input({ kind: "state-captured", ...captured });
    replicated.forget(entries.before.index);
  }

  return (effect, replica) => {
    switch (effect.kind) {
      case "commit":
        replicated.commit(effect.entries, calls.onOutcome);
        onApplied(replica);
        break;
      case "restore":
        replicated.restore(effect.snapshot);
        onApplied(replica);
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
        log.info({ event: effect.event, ...effect.detail }, effect.event);
        break;
      case "halt": {
        log.error({ reason: effect.reason }, effect.detail);
        const exitCode = effect.reason === "replaced" ? exitReplaced : exitInvariant;
        options.onHalt(exitCode, effect.detail);
        break;
      }
      default:
        if (replica.view !== null) petitioner.carryOut(effect, replica.view);
    }
  };
}
