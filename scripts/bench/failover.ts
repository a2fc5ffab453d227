/** How long no write is acknowledged after the leader is killed with SIGKILL. */
import { type Subject, send } from "./subject.ts";

/** A light load: one write every so often, to the others in turn. */
const writeEveryMs = 5;
const writeTimeoutMs = 10_000;
const outstandingMax = 400;
const boundMs = 60_000;

/**
 * Kills the leader, measures, and heals it.
 *
 * @returns milliseconds from the kill to the first acknowledgement of a write sent after it
 * @throws Error when none comes within the bound
 */
export async function measureFailover(subject: Subject): Promise<number> {
  const leader = await subject.leader();
  if (leader < 0) throw new Error(`${subject.name} has no leader`);
  const others = subject.members.map((_, position) => position).filter((each) => each !== leader);
  const killedMs = performance.now();
  const killed = subject.kill(leader);
  const acknowledgedMs = await firstAcknowledgement(subject, others);
  await killed;
  await subject.heal(leader);
  return acknowledgedMs - killedMs;
}

function firstAcknowledgement(subject: Subject, positions: readonly number[]): Promise<number> {
  const giveUp = new AbortController();
  let turn = 0;
  let outstanding = 0;
  return new Promise<number>((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearInterval(timer);
      clearTimeout(bound);
      settle();
      giveUp.abort();
    };
    const timer = setInterval(() => {
      if (outstanding >= outstandingMax) return;
      outstanding += 1;
      const target = subject.write(positions[turn++ % positions.length] ?? 0);
      const signal = AbortSignal.any([giveUp.signal, AbortSignal.timeout(writeTimeoutMs)]);
      void send(target, signal).then((acknowledged) => {
        outstanding -= 1;
        if (acknowledged) finish(() => resolve(performance.now()));
      });
    }, writeEveryMs);
    const bound = setTimeout(
      () => finish(() => reject(new Error(`${subject.name}: no write in ${boundMs} ms`))),
      boundMs,
    );
  });
}
