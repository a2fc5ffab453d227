/** What the benchmark measures: a replicated service of three members on this machine. */
import type { PeerNetwork } from "./recovery/network.ts";

export type Target = {
  readonly url: string;
  readonly method: "GET" | "POST";
  /** JSON text; `null` for none. */
  readonly body: string | null;
};

export type Member = {
  readonly name: string;
  /** `null` while it does not run. */
  pid(): number | null;
};

export type Subject = {
  readonly name: string;
  readonly members: readonly Member[];
  /** Position of the member that leads. */
  leader(): Promise<number>;
  /** One durable write, sent to that member. */
  write(position: number): Target;
  /** A read that reflects every acknowledged write. */
  linearizableRead(position: number): Target;
  /** A read of what that member happens to know. */
  localRead(position: number): Target;
  /** Where a write stands in the history, by its acknowledgement; a later one stands higher. */
  writtenAt(acknowledgement: unknown): number;
  /** Where the newest write stands that a local read shows, by its answer. */
  shownAt(answer: unknown): number;
  /** SIGKILL resolves once the process is gone, other signals at once. */
  signal(position: number, signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void>;
  /** Starts a killed member again. */
  restart(position: number): Promise<void>;
  /** Resolves once it takes part. @throws Error when that takes too long */
  ready(position: number): Promise<void>;
  /** What can cut members off from each other; `null`: nothing is in their path. */
  readonly network: PeerNetwork | null;
  stop(): Promise<void>;
};

/** @returns whether the service acknowledged it */
export async function send(target: Target, signal: AbortSignal): Promise<boolean> {
  return (await ask(target, signal)) !== null;
}

/** @returns the JSON that was answered; `null` when the service refused, or did not answer */
export async function ask(target: Target, signal: AbortSignal): Promise<unknown> {
  const { url, method, body } = target;
  try {
    const answer = await fetch(url, {
      method,
      body,
      ...(body === null ? {} : { headers: { "content-type": "application/json" } }),
      signal,
    });
    const text = await answer.text();
    return answer.ok ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}
