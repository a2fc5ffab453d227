/** A node judges its own proof as the others do, so that its operator hears why they refuse it. */
import { setTimeout as pause } from "node:timers/promises";
import type { ProveBoot, VerifyBoot } from "../runtime/attestation.ts";
import type { Log } from "../runtime/ports.ts";
import { QuoteError } from "./quote.ts";
import { isForWhatItIs } from "./verdicts.ts";

export type OwnProof = {
  readonly prove: ProveBoot;
  readonly verify: VerifyBoot;
  /** Told after each judgement: null, or what is wrong. */
  readonly tell: (problem: string | null) => void;
  readonly log: Log;
  readonly everyMs: number;
  readonly signal: AbortSignal;
};

/** Goes on until the signal: lists change, and collateral comes back. */
export async function watchOwnProof(own: OwnProof): Promise<void> {
  const { log, everyMs, signal } = own;
  let said: string | null = "";
  while (!signal.aborted) {
    const { problem, fault } = await judge(own);
    own.tell(problem);
    if (problem === null && said !== null) log.info({}, "this boot's own proof is accepted");
    if (problem !== null && problem !== said) log.error({ fault }, `own proof ${problem}`);
    said = problem;
    await pause(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

async function judge({ prove, verify }: OwnProof): Promise<{
  readonly problem: string | null;
  readonly fault: unknown;
}> {
  try {
    await verify(await prove());
    return { problem: null, fault: null };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!(error instanceof QuoteError))
      return { problem: `not judged: ${message}`, fault: message };
    const { fault } = error;
    if (isForWhatItIs(fault)) return { problem: `refused: ${message}`, fault };
    const reason = fault.code === "quote.unverifiable" ? fault.reason : message;
    return { problem: `not judged: ${reason}`, fault };
  }
}
