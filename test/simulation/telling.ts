/** What processes take in and ask for, told to the trace; and all of it to the oracle. */
import type { Input } from "../../node/src/consensus/input.ts";
import type { Replica, Step } from "../../node/src/consensus/replica.ts";
import { describeAck, describeEffect, describeInput } from "./describe.ts";
import type { Process, Watch } from "./process.ts";
import type { World } from "./world.ts";

/** For one process. */
export function telling(world: World): Watch {
  const { oracle, trace } = world;
  const lastAck = { said: "" };
  return {
    ...oracle,
    stepped(process, before, input, taken) {
      if (trace.recording) tell(world, lastAck, { process, before, input, taken });
      oracle.stepped(process, before, input, taken);
    },
  };
}

function tell(
  { trace, nameOf }: World,
  lastAck: { said: string },
  told: {
    readonly process: Process;
    readonly before: Replica;
    readonly input: Input;
    readonly taken: Step;
  },
): void {
  const { process, before, input, taken } = told;
  const isOldNews = input.kind === "view" && input.view === before.view;
  const said = isOldNews ? null : describeInput(input, nameOf);
  if (said !== null) trace.note(() => `${process.name} <- ${said()}`);
  for (const effect of taken.effects) {
    const asked = describeEffect(effect, nameOf);
    if (asked !== null) trace.note(() => `${process.name}      ${asked()}`);
    const ack = describeAck(effect, lastAck.said, nameOf);
    if (ack === null) continue;
    lastAck.said = ack;
    trace.note(() => `${process.name}      ${ack}`);
  }
  const { status } = taken.replica;
  if (status !== before.status) trace.note(() => `${process.name} is ${status}`);
}

export function describeDisk({ log, promised, snapshot }: Replica): string {
  const { index, term } = log.last;
  return ` with a log up to ${index} of term ${term}, a promise of ${promised?.term ?? "none"}${
    snapshot === null ? "" : `, a snapshot at ${snapshot.at.index}`
  }`;
}
