import { expect, test, vi } from "vitest";
import type { Appraisal, BootProof } from "../../../node/src/runtime/attestation.ts";
import { watchOwnProof } from "../../../node/src/tee/ownProof.ts";
import { rejected, unverifiable } from "../../../node/src/tee/quote.ts";
import { recordingLog } from "../../support/recorders.ts";
import { goodEvidence } from "./evidence.ts";

const refusal = rejected("compose hash", { expected: "a listed one", actual: "c5" });

/** Judges as often as there are outcomes, and then ends. */
async function watch(...outcomes: readonly (Error | null)[]) {
  const ending = new AbortController();
  const { log, lines } = recordingLog();
  const told: (string | null)[] = [];
  const verify = vi.fn((_proof: BootProof): Promise<Appraisal> => {
    const outcome = outcomes[verify.mock.calls.length - 1] ?? null;
    return outcome === null ? Promise.resolve({} as Appraisal) : Promise.reject(outcome);
  });
  await watchOwnProof({
    prove: () => Promise.resolve(goodEvidence.proof),
    verify,
    tell: (problem) => {
      told.push(problem);
      if (told.length === outcomes.length) ending.abort();
    },
    log,
    everyMs: 1,
    signal: ending.signal,
  });
  return { told, lines: lines.map(({ level, sentence, fields }) => ({ level, sentence, fields })) };
}

test("a node that the others would refuse says why, once, and goes on trying", async () => {
  const { told, lines } = await watch(refusal, refusal, null);
  const problem = "refused: the quote's compose hash is c5, expected a listed one";
  expect(told).toEqual([problem, problem, null]);
  expect(lines).toEqual([
    { level: "error", sentence: `own proof ${problem}`, fields: { fault: refusal.fault } },
    { level: "info", sentence: "this boot's own proof is accepted", fields: {} },
  ]);
});

test("what cannot be judged now is told apart from a refusal", async () => {
  const { told } = await watch(unverifiable("the PCCS is away"), new Error("no chain"));
  expect(told).toEqual(["not judged: the PCCS is away", "not judged: no chain"]);
});

test("a node whose lists change later says so then", async () => {
  const { lines } = await watch(null, null, refusal);
  expect(lines.map(({ level }) => level)).toEqual(["info", "error"]);
});
