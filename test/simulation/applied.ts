/** The application's state at one process: the real machine, fed by commits and snapshots. */
import {
  apply,
  initialMachine,
  type Machine,
  type Outcome,
} from "../../node/src/application/machine.ts";
import { decodeState, encodeState } from "../../node/src/application/state.ts";
import { stateHasher } from "../../node/src/application/stateHash.ts";
import type { Entry } from "../../node/src/consensus/entry.ts";
import type { Hash } from "../../node/src/consensus/ids.ts";
import type { Snapshot } from "../../node/src/consensus/snapshot.ts";
import { fastDigest } from "./digest.ts";
import { Violation } from "./violation.ts";

export type Applied = {
  machine(): Machine;
  index(): number;
  restore(snapshot: Snapshot): void;
  /** The outcome of a command; null for the core's own entries. */
  apply(entry: Entry): Outcome | null;
  /** The state's hash as of a mark that was applied here, undefined when it was not. */
  hashAt(index: number): Hash | undefined;
  /** The state, once `everyEntries` were applied since it was last captured. */
  capture(everyEntries: number): { readonly index: number; readonly state: Uint8Array } | null;
};

export function createApplied(snapshot: Snapshot | null): Applied {
  let machine = initialMachine();
  let appliedIndex = 0;
  let capturedIndex = 0;
  const hashState = stateHasher(fastDigest);
  const hashes = new Map<number, Hash>();
  if (snapshot !== null) restore(snapshot);

  function restore({ at, state }: Snapshot): void {
    const read = decodeState(state);
    if (!read.ok) throw new Violation("a snapshot can be read", read.reason);
    machine = read.value;
    appliedIndex = at.index;
    capturedIndex = at.index;
  }

  return {
    machine: () => machine,
    index: () => appliedIndex,
    restore,
    hashAt: (index) => hashes.get(index),
    apply({ index, term, timeMs, body }) {
      if (index !== appliedIndex + 1) {
        throw new Violation("entries are applied in order", `${index} after ${appliedIndex}`);
      }
      appliedIndex = index;
      if (body.kind === "mark") hashes.set(index, hashState(machine));
      if (body.kind !== "command") return null;
      const after = apply(machine, { index, term, timeMs, payload: body.payload });
      machine = after.machine;
      return after.outcome;
    },
    capture(everyEntries) {
      if (appliedIndex - capturedIndex < everyEntries) return null;
      capturedIndex = appliedIndex;
      return { index: appliedIndex, state: encodeState(machine) };
    },
  };
}
