/** The far side of `trustThread.ts`: answers questions one after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { type TrustQuestion, verifyChainOfTrust } from "./chainOfTrust.ts";
import { QuoteError } from "./quote.ts";
import type { TrustAnswer } from "./trustThread.ts";

type Asked = { readonly id: number; readonly question: TrustQuestion };

/** This file, whatever its ending where it is installed. */
export const trustProgram = new URL(import.meta.url);
/** Given to the thread that is meant: tests run in threads of their own. */
export const trustRole = "chain of trust";

if (workerData === trustRole) {
  parentPort?.on("message", ({ id, question }: Asked) => {
    void answer(question).then((answered) => parentPort?.postMessage({ id, answered }));
  });
}

async function answer(question: TrustQuestion): Promise<TrustAnswer> {
  try {
    return { kind: "state", state: await verifyChainOfTrust(question) };
  } catch (error) {
    if (error instanceof QuoteError) {
      return { kind: "fault", fault: error.fault, message: error.message };
    }
    return { kind: "failure", reason: error instanceof Error ? error.message : String(error) };
  }
}
