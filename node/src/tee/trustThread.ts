/**
 * Verifies chains of trust in a thread that is there only while it is needed: the library costs an
 * idle node more memory than all else, and tens of milliseconds of a loop that has heartbeats to
 * send.
 *
 * Safety assumes: nothing of the thread but what it says of itself; no answer is never a yes.
 */
import { Worker } from "node:worker_threads";
import type { QuoteFault } from "../runtime/attestation.ts";
import type { TrustQuestion } from "./chainOfTrust.ts";
import { trustProgram, trustRole } from "./chainOfTrustWorker.ts";
import { QuoteError, unverifiable } from "./quote.ts";
import type { TcbState } from "./tdxModule.ts";

export type TrustAnswer =
  | { readonly kind: "state"; readonly state: TcbState }
  | { readonly kind: "fault"; readonly fault: QuoteFault; readonly message: string }
  | { readonly kind: "failure"; readonly reason: string };

export type TrustThread = {
  /** @throws QuoteError as verifyChainOfTrust; quote.unverifiable when the thread fails */
  verify(question: TrustQuestion): Promise<TcbState>;
  close(): Promise<void>;
};

type Waiting = { readonly settle: (answer: TrustAnswer) => void; readonly timer: NodeJS.Timeout };

const heapMiBMax = 128;

export function createTrustThread(
  options: {
    readonly answerMsMax?: number;
    readonly idleMs?: number;
    /** Of the thread's module. */
    readonly program?: URL;
  } = {},
): TrustThread {
  const { answerMsMax = 8_000, idleMs = 10_000 } = options;
  const { program = trustProgram } = options;
  const waiting = new Map<number, Waiting>();
  let worker: Worker | null = null;
  let asked = 0;
  let idle: NodeJS.Timeout | undefined;

  function start(): Worker {
    const started = new Worker(program, {
      workerData: trustRole,
      resourceLimits: { maxOldGenerationSizeMb: heapMiBMax },
    });
    started.unref();
    started.on("message", ({ id, answered }: { id: number; answered: TrustAnswer }) =>
      settle(id, answered),
    );
    started.on("error", (error) => abandon(started, `its verification failed: ${error.message}`));
    started.on("exit", () => abandon(started, "its verification ended early"));
    return started;
  }

  /** A thread that failed once is not asked again: whatever it was at may have hurt it. */
  function abandon(failed: Worker, reason: string): void {
    if (worker !== failed) return;
    worker = null;
    clearTimeout(idle);
    void failed.terminate();
    for (const id of [...waiting.keys()]) settle(id, { kind: "failure", reason });
  }

  function settle(id: number, answer: TrustAnswer): void {
    const one = waiting.get(id);
    waiting.delete(id);
    clearTimeout(one?.timer);
    one?.settle(answer);
    if (waiting.size > 0 || worker === null) return;
    clearTimeout(idle);
    idle = setTimeout(() => void close(), idleMs).unref();
  }

  async function verify(question: TrustQuestion): Promise<TcbState> {
    clearTimeout(idle);
    worker ??= start();
    const current = worker;
    const id = asked;
    asked += 1;
    const { promise, resolve } = Promise.withResolvers<TrustAnswer>();
    const late = () => abandon(current, `it was not verified within ${answerMsMax} ms`);
    waiting.set(id, { settle: resolve, timer: setTimeout(late, answerMsMax) });
    current.postMessage({ id, question });
    const answer = await promise;
    if (answer.kind === "state") return answer.state;
    if (answer.kind === "fault") throw new QuoteError(answer.fault, answer.message);
    throw unverifiable(answer.reason);
  }

  async function close(): Promise<void> {
    const ended = worker;
    if (ended !== null) abandon(ended, "the node is stopping");
    await ended?.terminate();
  }

  return { verify, close };
}
