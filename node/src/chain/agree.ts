/** One question to all endpoints; an answer counts when a quorum of them gives it. */
import { ChainError, unreachable } from "./errors.ts";
import { type Endpoint, RpcRefusal } from "./rpc.ts";

export type Question<T> = {
  readonly ask: (endpoint: Endpoint) => Promise<T>;
  /** Equal keys, equal answers. */
  readonly keyOf: (answer: T) => string;
  /** An answer that is not preferred waits for the endpoints that have not answered yet. */
  readonly preferred?: (answer: T) => boolean;
  /** Told once all endpoints have answered or failed, though the call may have ended before. */
  readonly onSettled?: (settled: Settled<T>) => void;
};

export type Given<T> = { readonly endpoint: Endpoint; readonly answer: T; readonly key: string };
export type Failed = { readonly endpoint: Endpoint; readonly reason: string };
export type Settled<T> = {
  readonly given: readonly Given<T>[];
  readonly failed: readonly Failed[];
  /** null: nothing counts. */
  readonly agreed: Given<T> | null;
};

/**
 * Resolves as soon as `quorum` endpoints gave the same answer: a slow one delays nobody.
 *
 * @throws ChainError chain.unreachable: too few answered; chain.disputed: too few agree
 */
export function agree<T>(
  endpoints: readonly Endpoint[],
  quorum: number,
  question: Question<T>,
): Promise<T> {
  const { ask, keyOf, preferred = () => true, onSettled } = question;
  const given: Given<T>[] = [];
  const failed: Failed[] = [];

  return new Promise((resolve, reject) => {
    function onAnswer(): void {
      const agreed = agreedAmong(given, quorum);
      const settled = given.length + failed.length === endpoints.length;
      // Promises settle once: later calls of resolve and reject change nothing.
      if (agreed !== null && (settled || preferred(agreed.answer))) resolve(agreed.answer);
      if (!settled) return;
      if (agreed === null) reject(noQuorum(given, failed, quorum));
      onSettled?.({ given, failed, agreed });
    }

    for (const endpoint of endpoints) {
      ask(endpoint)
        .then(
          (answer) => given.push({ endpoint, answer, key: keyOf(answer) }),
          (error: unknown) => failed.push({ endpoint, reason: reasonOf(endpoint, error) }),
        )
        .then(onAnswer)
        .catch(reject);
    }
  });
}

function agreedAmong<T>(given: readonly Given<T>[], quorum: number): Given<T> | null {
  const votes = (key: string) => given.filter((other) => other.key === key).length;
  return given.findLast(({ key }) => votes(key) >= quorum) ?? null;
}

function noQuorum<T>(
  given: readonly Given<T>[],
  failed: readonly Failed[],
  quorum: number,
): ChainError {
  if (given.length < quorum) return unreachable(failed.map(({ reason }) => reason).join("; "));
  const names = given.map(({ endpoint }) => endpoint.name).join(", ");
  const reason = `${names} disagree, and fewer than ${quorum} say the same`;
  return new ChainError({ code: "chain.disputed", reason }, `the chain is disputed: ${reason}`);
}

function reasonOf(endpoint: Endpoint, error: unknown): string {
  if (error instanceof ChainError && "reason" in error.fault) return error.fault.reason;
  if (error instanceof RpcRefusal) return `${endpoint.name} refused: ${error.message}`;
  throw error;
}
