/** How long the loss of a leader is felt: by clients, and by the member itself once it is back. */
import type { Subject } from "../subject.ts";
import { firstAcknowledgement, untilShown, writeNewest } from "./acknowledgement.ts";
import { type Fault, faults } from "./faults.ts";

export type Recovery = {
  /** From the strike to the first acknowledgement of a write that was sent after it. */
  readonly unavailableMs: number;
  /** From the heal until the member's own read shows the newest acknowledged write. */
  readonly wholeMs: number;
};

export type Recoveries = {
  readonly fault: string;
  readonly subject: string;
  readonly recoveries: readonly Recovery[];
};

/**
 * Strikes the leader, heals it as soon as writes are acknowledged without it, and resolves once it
 * takes part as before.
 *
 * The time runs from before the strike, and writes are sent once it is done: what a leader
 * acknowledged while it was being struck does not count.
 *
 * @throws Error when a bound is exceeded, or the struck leader acknowledges a write
 */
export async function measureRecovery(subject: Subject, fault: Fault): Promise<Recovery> {
  const leader = await subject.leader();
  if (leader < 0) throw new Error(`${subject.name} has no leader`);
  const struckMs = performance.now();
  await fault.strike(subject, leader);
  const acknowledgedMs = await firstAcknowledgement(subject, leader);
  const newest = await writeNewest(subject, leader);
  const healedMs = performance.now();
  await fault.heal(subject, leader);
  await untilShown(subject, { position: leader, newest });
  const shownMs = performance.now();
  await subject.ready(leader);
  return { unavailableMs: acknowledgedMs - struckMs, wholeMs: shownMs - healedMs };
}

/** Each fault so many `times`, the subjects in turns. */
export async function measureRecoveries(
  subjects: readonly Subject[],
  times: number,
  say: (line: string) => void,
): Promise<readonly Recoveries[]> {
  const measured: Recoveries[] = [];
  for (const fault of faults) {
    const lists = subjects.map((): Recovery[] => []);
    for (let each = 0; each < times; each++) {
      for (const [position, subject] of subjects.entries()) {
        const recovery = await measureRecovery(subject, fault);
        lists[position]?.push(recovery);
        const { unavailableMs, wholeMs } = recovery;
        const [unavailable, whole] = [unavailableMs.toFixed(0), wholeMs.toFixed(0)];
        say(`${subject.name}, ${fault.name}: ${unavailable} ms, whole again after ${whole} ms`);
      }
    }
    for (const [position, { name }] of subjects.entries()) {
      measured.push({ fault: fault.name, subject: name, recoveries: lists[position] ?? [] });
    }
  }
  return measured;
}
