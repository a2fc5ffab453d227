/** What clients see of a service whose leader was struck: they try all members, again and again. */
import { setTimeout as delay } from "node:timers/promises";
import { ask, type Subject, send } from "../subject.ts";

/** A light load: one write every so often, to the members in turn. */
const everyMs = 5;
/** Bounds what waits at members that do not answer, the struck one above all. */
const answerTimeoutMs = 2_000;
const boundMs = 60_000;

/**
 * Sends writes from now on, to all members in turn, the struck one included.
 *
 * @returns when the first of them was acknowledged, as `performance.now()` has it
 * @throws Error when none is within the bound, or the struck member acknowledges one: by itself it
 *   can have committed nothing
 */
export function firstAcknowledgement(subject: Subject, struck: number): Promise<number> {
  const giveUp = new AbortController();
  let turn = 0;
  return new Promise<number>((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearInterval(timer);
      clearTimeout(bound);
      settle();
      giveUp.abort();
    };
    const onAcknowledged = (position: number) => {
      const atMs = performance.now();
      if (position !== struck) return finish(() => resolve(atMs));
      const { name } = subject.members[struck] ?? { name: "the member" };
      finish(() => reject(new Error(`${name} acknowledged a write, out of touch as it was`)));
    };
    const timer = setInterval(() => {
      const position = turn++ % subject.members.length;
      const signal = AbortSignal.any([giveUp.signal, AbortSignal.timeout(answerTimeoutMs)]);
      void send(subject.write(position), signal).then((acknowledged) => {
        if (acknowledged) onAcknowledged(position);
      });
    }, everyMs);
    const bound = setTimeout(
      () => finish(() => reject(new Error(`${subject.name}: no write in ${boundMs} ms`))),
      boundMs,
    );
  });
}

/**
 * One more write, at a member that was not struck.
 *
 * @returns where it stands in the history
 * @throws Error when none is acknowledged within the bound
 */
export async function writeNewest(subject: Subject, struck: number): Promise<number> {
  const others = subject.members.map((_, position) => position).filter((each) => each !== struck);
  const untilMs = performance.now() + boundMs;
  for (let turn = 0; performance.now() < untilMs; turn++) {
    const target = subject.write(others[turn % others.length] ?? 0);
    const answer = await ask(target, AbortSignal.timeout(answerTimeoutMs));
    if (answer !== null) return subject.writtenAt(answer);
    await delay(everyMs);
  }
  throw new Error(`${subject.name}: no write at the others in ${boundMs} ms`);
}

/**
 * Resolves once a member's own read shows the write at `newest`.
 *
 * @throws Error when it does not within the bound
 */
export async function untilShown(
  subject: Subject,
  { position, newest }: { readonly position: number; readonly newest: number },
): Promise<void> {
  const untilMs = performance.now() + boundMs;
  while (performance.now() < untilMs) {
    const target = subject.localRead(position);
    const answer = await ask(target, AbortSignal.timeout(answerTimeoutMs));
    if (answer !== null && subject.shownAt(answer) >= newest) return;
    await delay(everyMs);
  }
  const { name } = subject.members[position] ?? { name: subject.name };
  throw new Error(`${name} does not show the newest write after ${boundMs} ms`);
}
