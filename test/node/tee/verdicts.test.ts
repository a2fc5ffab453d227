import { expect, test, vi } from "vitest";
import { type BootKey, bootKey, memberId } from "../../../node/src/consensus/ids.ts";
import { ClusterError } from "../../../node/src/errors.ts";
import type { Appraisal, BootProof } from "../../../node/src/runtime/attestation.ts";
import type { Count } from "../../../node/src/runtime/ports.ts";
import { QuoteError, rejected, unverifiable } from "../../../node/src/tee/quote.ts";
import { createVerdicts } from "../../../node/src/tee/verdicts.ts";
import { goodEvidence } from "./evidence.ts";

const appraisal = { tcbStatus: "UpToDate" } as Appraisal;
const refusal = rejected("compose hash", { expected: "a listed one", actual: "c5" });

function keyOf(number: number): BootKey {
  return bootKey(number.toString(16).padStart(64, "0"));
}
function proofOf(number: number, wallet = "aa"): BootProof {
  const id = memberId(`0x${wallet.repeat(20)}`);
  return { ...goodEvidence.proof, wallet: id, bootKey: keyOf(number) };
}

function setUp() {
  const clock = { ms: 0 };
  const accept = (_proof: BootProof): Promise<Appraisal> => Promise.resolve(appraisal);
  const verify = vi.fn(accept);
  const reverify = vi.fn(accept);
  const counted: unknown[] = [];
  const count: Count = (name, labels) => counted.push([name, labels]);
  const verification = { verify, reverify };
  const verdicts = createVerdicts({ verification, count, clockMs: () => clock.ms });
  return { verdicts, verify, reverify, clock, counted };
}

const refused = (proof: Promise<unknown>) => expect(proof).rejects;

test("a boot that was verified is not verified again, whatever proof it brings now", async () => {
  const { verdicts, verify } = setUp();
  await verdicts.verify(proofOf(1));
  const again = await verdicts.verify({ ...proofOf(1), blockNumber: "8" });
  expect(again).toBe(appraisal);
  expect(verify).toHaveBeenCalledTimes(1);
  expect(verdicts.of(keyOf(1))).toMatchObject({ kind: "verified", appraisal, atMs: 0 });
});

test("a verdict for one wallet says nothing of another with the same boot key", async () => {
  const { verdicts, verify } = setUp();
  await verdicts.verify(proofOf(1));
  verify.mockRejectedValueOnce(refusal);
  await refused(verdicts.verify(proofOf(1, "bb"))).toThrow("compose hash");
});

test("who asks while a proof is being verified shares the answer", async () => {
  const { verdicts, verify } = setUp();
  const { promise, resolve } = Promise.withResolvers<Appraisal>();
  verify.mockReturnValueOnce(promise);
  const both = [verdicts.verify(proofOf(1)), verdicts.verify(proofOf(1))];
  resolve(appraisal);
  expect(await Promise.all(both)).toEqual([appraisal, appraisal]);
  expect(verify).toHaveBeenCalledTimes(1);
});

test("a refusal for what the boot is stays known, and is judged anew after a while", async () => {
  const { verdicts, verify, clock } = setUp();
  verify.mockRejectedValueOnce(refusal);
  await refused(verdicts.verify(proofOf(1))).toThrow("compose hash");
  expect(verdicts.refused()).toEqual([keyOf(1)]);
  expect(verdicts.of(keyOf(1))).toMatchObject({ kind: "refused", fault: refusal.fault });

  clock.ms = 4_999;
  await refused(verdicts.verify(proofOf(1))).toThrow("compose hash");
  expect(verify).toHaveBeenCalledTimes(1);
  clock.ms = 5_000;
  expect(await verdicts.verify(proofOf(1))).toBe(appraisal);
  expect(verdicts.refused()).toEqual([]);
});

test.each([
  ["quote.stale", new QuoteError({ code: "quote.stale", ageMs: 2, ageMsMax: 1 }, "stale")],
  [
    "quote.blockUnknown",
    new QuoteError({ code: "quote.blockUnknown", blockNumber: "7", blockHash: "0x" }, "unknown"),
  ],
  ["quote.unverifiable", unverifiable("the PCCS is away")],
  ["chain.unreachable", new ClusterError({ code: "chain.unreachable" }, "away")],
  ["error", new Error("a bug")],
])("what cannot be judged now, by %s, leaves no verdict and is counted", async (code, error) => {
  const { verdicts, verify, counted } = setUp();
  verify.mockRejectedValueOnce(error);
  await refused(verdicts.verify(proofOf(1))).toBe(error);
  expect(verdicts.of(keyOf(1))).toBeNull();
  expect(counted).toEqual([["attestation_refused_total", { check: code }]]);
  expect(await verdicts.verify(proofOf(1))).toBe(appraisal);
});

test("refusals are counted by the check that failed", async () => {
  const { verdicts, verify, counted } = setUp();
  verify.mockRejectedValueOnce(refusal);
  await refused(verdicts.verify(proofOf(1))).toThrow();
  expect(counted).toEqual([["attestation_refused_total", { check: "compose hash" }]]);
});

test("renewal judges what is kept by present rules, and forgets the rest", async () => {
  const { verdicts, reverify, clock } = setUp();
  for (const number of [1, 2, 3]) await verdicts.verify(proofOf(number));
  clock.ms = 60_000;
  reverify.mockImplementation(async ({ bootKey: key }) => {
    if (key === keyOf(2)) throw refusal;
    return appraisal;
  });
  await verdicts.renew((key) => key !== keyOf(3));
  expect(verdicts.of(keyOf(1))).toMatchObject({ kind: "verified", atMs: 60_000 });
  expect(verdicts.refused()).toEqual([keyOf(2)]);
  expect(verdicts.of(keyOf(3))).toBeNull();
});

test("a renewal that cannot judge leaves the verdict as it is", async () => {
  const { verdicts, reverify, clock } = setUp();
  await verdicts.verify(proofOf(1));
  clock.ms = 60_000;
  reverify.mockRejectedValue(unverifiable("the PCCS is away"));
  await verdicts.renew(() => true);
  expect(verdicts.of(keyOf(1))).toMatchObject({ kind: "verified", atMs: 0 });
});

test("a renewal takes a refusal back", async () => {
  const { verdicts, verify } = setUp();
  verify.mockRejectedValueOnce(refusal);
  await refused(verdicts.verify(proofOf(1))).toThrow();
  await verdicts.renew(() => true);
  expect(verdicts.refused()).toEqual([]);
});

test("a host's clones displace one another, and neither members' verdicts nor kept ones", async () => {
  const { verdicts } = setUp();
  await verdicts.verify(proofOf(1, "bb"));
  await verdicts.verify(proofOf(2));
  await verdicts.renew(() => true);
  await verdicts.verify(proofOf(3, "bb"));
  for (let clone = 100; clone < 200; clone += 1) await verdicts.verify(proofOf(clone));
  const known = (number: number) => verdicts.of(keyOf(number)) !== null;
  expect([1, 2, 3].map(known)).toEqual([true, true, true]);
  expect([100, 191, 192, 199].map(known)).toEqual([false, false, true, true]);
});
