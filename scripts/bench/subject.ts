/** What the benchmark measures: a replicated service of three members on this machine. */

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
  kill(position: number): Promise<void>;
  /** Starts a killed member again; resolves once it takes part. */
  heal(position: number): Promise<void>;
  stop(): Promise<void>;
};

/** @returns whether the service acknowledged it */
export async function send(target: Target, signal: AbortSignal): Promise<boolean> {
  const { url, method, body } = target;
  try {
    const answer = await fetch(url, {
      method,
      body,
      ...(body === null ? {} : { headers: { "content-type": "application/json" } }),
      signal,
    });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}
