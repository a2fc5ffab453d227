/**
 * Verifies signatures in a process that is there only while it is needed. In the node's own, the
 * library would cost an idle node a quarter of its memory, which a thread does not give back, and a
 * loop that has heartbeats to send tens of milliseconds a quote.
 *
 * Safety assumes: nothing of the process but what it says itself; no answer is never a yes.
 */
import { type ChildProcess, fork } from "node:child_process";
import { getCompileCacheDir } from "node:module";
import type { SignatureAnswer, VerifySignatures } from "./quoteSignatures.ts";
import { type Answered, program, role } from "./quoteSignaturesMain.ts";

export type VerifierProcess = {
  /** Rejects when the process fails, or does not answer in time. */
  readonly verify: VerifySignatures;
  close(): void;
};

type Waiting = {
  readonly settle: (answer: SignatureAnswer) => void;
  readonly fail: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
};

/** Of the objects of one quote at a time. */
const flags = ["--max-old-space-size=64", "--max-semi-space-size=1"];

export function createVerifierProcess(
  options: {
    readonly answerMsMax?: number;
    readonly idleMs?: number;
    readonly program?: string;
  } = {},
): VerifierProcess {
  // Longer than any peer waits: what a busy machine finds out late is known when the peer comes back.
  const { answerMsMax = 30_000, idleMs = 5_000 } = options;
  const waiting = new Map<number, Waiting>();
  let current: ChildProcess | null = null;
  let asked = 0;
  let idle: NodeJS.Timeout | undefined;

  function start(): ChildProcess {
    const cacheDirectory = getCompileCacheDir();
    const child = fork(options.program ?? program, [role], {
      execArgv: flags,
      // It has no use for addresses and credentials.
      env: cacheDirectory === undefined ? {} : { NODE_COMPILE_CACHE: cacheDirectory },
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    // Waiting callers keep the node's process alive, not this one.
    child.unref();
    child.channel?.unref();
    child.on("message", ({ id, answer }: Answered) => {
      settle(id, (one) =>
        answer === null ? one.fail(new Error("its verification failed")) : one.settle(answer),
      );
    });
    child.on("error", (error) => abandon(child, `its verification failed: ${error.message}`));
    child.on("exit", () => abandon(child, "its verification ended early"));
    return child;
  }

  /** Once failed, it is not asked again: whatever it was at may have hurt it. */
  function abandon(child: ChildProcess, reason: string): void {
    if (current !== child) return;
    current = null;
    clearTimeout(idle);
    child.kill("SIGKILL");
    for (const id of [...waiting.keys()]) settle(id, (one) => one.fail(new Error(reason)));
  }

  function settle(id: number, end: (one: Waiting) => void): void {
    const one = waiting.get(id);
    if (one === undefined) return;
    waiting.delete(id);
    clearTimeout(one.timer);
    end(one);
    if (waiting.size > 0) return;
    clearTimeout(idle);
    idle = setTimeout(close, idleMs).unref();
  }

  function close(): void {
    if (current !== null) abandon(current, "the node is stopping");
  }

  function verify(question: Parameters<VerifySignatures>[0]): Promise<SignatureAnswer> {
    clearTimeout(idle);
    current ??= start();
    const child = current;
    const id = asked;
    asked += 1;
    const { promise, resolve, reject } = Promise.withResolvers<SignatureAnswer>();
    const late = () => abandon(child, `it was not verified within ${answerMsMax} ms`);
    waiting.set(id, { settle: resolve, fail: reject, timer: setTimeout(late, answerMsMax) });
    // Should it not get there, "exit" or the timer tell.
    child.send({ id, question }, () => undefined);
    return promise;
  }

  return { verify, close };
}
