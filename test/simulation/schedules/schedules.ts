/**
 * Schedules that random seeds rarely hit, by name; each throws a Violation when the protocol fails,
 * and another error when it did not come about as told.
 */

import { type SetStage, type Stage, setStage } from "../stage.ts";
import { Violation } from "../violation.ts";
import { refusedMembers } from "./attestation.ts";
import { coldStartDuringRemoval, majorityColdStart, rollbackBehindAnchor } from "./coldStarts.ts";
import { forgetfulPromise, replacedBootPromises, twoBootsOfOneLeader } from "./forgetful.ts";
import {
  admissionUnderPartition,
  admittedBootIsDead,
  departureOfLeader,
  joinFarBehind,
  pendingNodeRestarts,
  reorganisedRemoval,
  shrinkingUnderClone,
} from "./members.ts";
import {
  coldStartOnQuorum,
  replacedBootAsksAgain,
  staleLeader,
  unnamedBootsInColdStart,
} from "./stale.ts";

export type Schedule = (set: SetStage) => void;

export const schedules: Readonly<Record<string, Schedule>> = {
  "what a stale leader sends to restarted members costs nothing committed": staleLeader,
  "five members become three while a clone of one is about": shrinkingUnderClone,
  "a removal is reorganised away, and another member removed": reorganisedRemoval,
  "a boot that was replaced cannot rejoin by asking again": replacedBootAsksAgain,
  "a cold start that only a quorum holds commits nothing": coldStartOnQuorum,
  "old copies offer themselves to a cold start that names others": unnamedBootsInColdStart,
  "two boots of a leader ask for promises in one term": twoBootsOfOneLeader,
  "a member that forgot what it acknowledged is asked for a promise": forgetfulPromise,
  "a boot that was replaced is asked for a promise": replacedBootPromises,
  "a member is admitted as the network parts": admissionUnderPartition,
  "a node that is far behind joins": joinFarBehind,
  "the leader leaves": departureOfLeader,
  "a pending node restarts": pendingNodeRestarts,
  "the boot that was admitted is dead": admittedBootIsDead,
  "members are removed whose boots attestation refuses": refusedMembers,
  "a cold start needs the log of a member whose removal is not committed": coldStartDuringRemoval,
  "a majority goes on without a member that is gone": majorityColdStart,
  "a rollback of all disks behind the anchor is detected": rollbackBehindAnchor,
};

/**
 * Plays it on a stage of its own.
 *
 * @returns the invariant that broke, or null; and the trace, when it is asked for
 * @throws whatever says that it did not come about as told
 */
export function play(
  schedule: Schedule,
  recording = false,
): { readonly violation: Violation | null; readonly trace: readonly string[] } {
  const stages: Stage[] = [];
  const trace = () => stages.flatMap(({ world }) => world.trace.lines());
  try {
    schedule((memberCount, changes) => {
      const stage = setStage(memberCount, changes, recording);
      stages.push(stage);
      return stage;
    });
    return { violation: null, trace: trace() };
  } catch (error) {
    if (error instanceof Violation) return { violation: error, trace: trace() };
    if (recording) console.log(trace().join("\n"));
    throw error;
  }
}
