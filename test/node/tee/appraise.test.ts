import { expect, test } from "vitest";
import { memberId } from "../../../node/src/consensus/ids.ts";
import type { Admission } from "../../../node/src/runtime/attestation.ts";
import {
  admissionChecks,
  type Evidence,
  platformChecks,
  type Reference,
} from "../../../node/src/tee/appraise.ts";
import type { Check } from "../../../node/src/tee/check.ts";
import type { BootFacts } from "../../../node/src/tee/eventLog.ts";
import type { OsMeasurements } from "../../../node/src/tee/osMeasurements.ts";
import type { Quote } from "../../../node/src/tee/quote.ts";
import { appId, composeHash, goodEvidence, goodReference, keyProofOf } from "./evidence.ts";

function failuresOf(evidence: Evidence, reference = goodReference): readonly Check[] {
  const checks = [...platformChecks(evidence), ...admissionChecks(evidence, reference)];
  return checks.filter(({ ok }) => !ok);
}

const quoted = (change: Partial<Quote>): Evidence => ({
  ...goodEvidence,
  quote: { ...goodEvidence.quote, ...change },
});
const measured = (facts: Partial<BootFacts>): Evidence => ({
  ...goodEvidence,
  log: { ...goodEvidence.log, facts: { ...goodEvidence.log.facts, ...facts } },
});
const admitting = (admission: Partial<Admission>): Reference => ({
  ...goodReference,
  admission: { ...goodReference.admission, ...admission },
});
const proven = (change: Parameters<typeof keyProofOf>[0]): Evidence => ({
  ...goodEvidence,
  proof: { ...goodEvidence.proof, keyProof: keyProofOf(change) },
});

test("good evidence passes every check", () => {
  expect(failuresOf(goodEvidence)).toEqual([]);
});

test("a table of checks has one order, whatever fails", () => {
  const names = (evidence: Evidence) => platformChecks(evidence).map(({ name }) => name);
  expect(names(quoted({ qeVendorId: "00".repeat(16) }))).toEqual(names(goodEvidence));
  expect(new Set(names(goodEvidence)).size).toBe(names(goodEvidence).length);
});

const zeros = "00".repeat(48);
const other = "99".repeat(48);
const ofQuote: readonly [string, Evidence, Partial<Check>][] = [
  ["QE vendor", quoted({ qeVendorId: "00".repeat(16) }), { actual: "00".repeat(16) }],
  ["TDX module's signer", quoted({ mrSignerSeam: other }), { expected: zeros, actual: other }],
  ["debug attribute", quoted({ tdAttributes: "0100001000000000" }), { expected: "clear" }],
  [
    "TD attributes",
    quoted({ tdAttributes: "0000003000000000" }),
    { actual: "0000003000000000: MIGRATABLE set" },
  ],
  [
    "TD attributes",
    quoted({ tdAttributes: "0000000000000000" }),
    { actual: "0000000000000000: SEPT_VE_DISABLE clear" },
  ],
  [
    "MR config id",
    quoted({ mrConfigId: `01${"cc".repeat(32)}${"00".repeat(15)}` }),
    { expected: `01${composeHash}${"00".repeat(15)}` },
  ],
  ["compose hash event", measured({ composeHash: null }), { actual: "none" }],
  ["app id event", measured({ appId: null }), { actual: "none" }],
  ["instance id event", measured({ instanceId: null }), { actual: "none" }],
];
test.each(ofQuote)("%s fails alone among a quote's own checks", (name, evidence, found) => {
  const failures = platformChecks(evidence).filter(({ ok }) => !ok);
  expect(failures).toEqual([expect.objectContaining({ name, ...found })]);
});

test.each([0, 1, 2, 3])("a log that does not replay register %i fails by its name", (register) => {
  const rtmrs = [...goodEvidence.quote.rtmrs] as [string, string, string, string];
  rtmrs[register] = other;
  const replayed = { ...goodEvidence, log: { ...goodEvidence.log, rtmrs } };
  expect(failuresOf(replayed)).toEqual([
    {
      name: `event log, RTMR${register}`,
      ok: false,
      expected: goodEvidence.quote.rtmrs[register],
      actual: other,
    },
  ]);
});

test("a digest that is not its event's fails, and names the event", () => {
  const wrongDigest = { event: "compose-hash", expected: "aa", actual: "bb" };
  const log = { ...goodEvidence.log, wrongDigest };
  expect(failuresOf({ ...goodEvidence, log })).toEqual([
    { name: "event log, digests", ok: false, expected: "aa for compose-hash", actual: "bb" },
  ]);
});

const listed = "one that the contract allows";
const ofReference: readonly [string, Reference, Partial<Check>][] = [
  [
    "TCB status",
    { ...goodReference, trust: { tcbStatus: "OutOfDate", advisoryIds: ["INTEL-SA-1"] } },
    { expected: "UpToDate or SWHardeningNeeded", actual: "OutOfDate" },
  ],
  [
    "compose hash",
    admitting({ composeHashAllowed: false }),
    { expected: listed, actual: composeHash },
  ],
  ["app id", admitting({ appId: "ff".repeat(20) }), { expected: "ff".repeat(20), actual: appId }],
  ["instance id", { ...goodReference, record: { instanceId: "ee".repeat(20) } }, {}],
  ["OS image", admitting({ osImageAllowed: false }), { expected: listed, actual: "05".repeat(32) }],
  ["device", admitting({ deviceAllowed: false }), { expected: listed, actual: "de".repeat(32) }],
  ["KMS root", admitting({ kmsRoot: memberId(`0x${"99".repeat(20)}`) }), {}],
];
test.each(ofReference)("%s is held against contract and policy", (name, reference, found) => {
  const [first] = failuresOf(goodEvidence, reference);
  expect(first).toMatchObject({ name, ...found });
});

test("what is allowed by policy may still be too old for the contract", () => {
  const trust = { tcbStatus: "SWHardeningNeeded", advisoryIds: [] };
  expect(failuresOf(goodEvidence, { ...goodReference, trust })).toEqual([
    {
      name: "TCB status by contract",
      ok: false,
      expected: "UpToDate",
      actual: "SWHardeningNeeded",
    },
  ]);
  const relaxed = admitting({ tcbUpToDateRequired: false });
  expect(failuresOf(goodEvidence, { ...relaxed, trust })).toEqual([]);
});

test("a machine that measured no OS image is refused where images are restricted, and only there", () => {
  const without = measured({ osImageHash: null });
  expect(failuresOf(without)).toMatchObject([{ name: "OS image", actual: "none" }]);
  expect(failuresOf(without, admitting({ osImagesRestricted: false }))).toEqual([]);
});

const image: OsMeasurements = {
  name: "dstack-0.5.8",
  mrTd: goodEvidence.quote.mrTd,
  rtmr0: goodEvidence.quote.rtmrs[0],
  rtmr1: goodEvidence.quote.rtmrs[1],
  rtmr2: goodEvidence.quote.rtmrs[2],
};
const withImages = (...osMeasurements: OsMeasurements[]): Reference => ({
  ...goodReference,
  policy: { ...goodReference.policy, osMeasurements },
});

test("one of the listed images is enough, and RTMR0 may be left open", () => {
  const { rtmr0: _, ...open } = image;
  const stranger = { ...image, name: "old", mrTd: other };
  expect(failuresOf(goodEvidence, withImages(stranger, image))).toEqual([]);
  expect(failuresOf(quoted({ mrTd: image.mrTd }), withImages(open))).toEqual([]);
});

test.each(["mrTd", "rtmr0", "rtmr1", "rtmr2"] as const)(
  "another %s than that of every listed image is refused",
  (register) => {
    const found = failuresOf(goodEvidence, withImages({ ...image, [register]: other }));
    expect(found).toMatchObject([{ name: "OS measurements", expected: "those of dstack-0.5.8" }]);
    expect(found[0]?.actual).toContain(`MRTD ${image.mrTd}`);
  },
);

test("a key that dstack gave to another instance, app or wallet is refused by that link's name", () => {
  const elsewhere = proven({ purpose: `cluster-node:${"ee".repeat(20)}` });
  expect(failuresOf(elsewhere)).toMatchObject([{ name: "app key" }]);
  expect(failuresOf(proven({ purpose: "disk" }))).toMatchObject([{ name: "app key" }]);
  expect(failuresOf(proven({ appId: "ff".repeat(20) }))).toMatchObject([{ name: "KMS root" }]);
  const wallet = memberId(`0x${"44".repeat(20)}`);
  const stolen = { ...goodEvidence, proof: { ...goodEvidence.proof, wallet } };
  expect(failuresOf(stolen)).toMatchObject([{ name: "derived key", expected: wallet }]);
});

test("keys that are no points of the curve are refused, not stumbled over", () => {
  const broken = { ...keyProofOf(), derivedPublicKey: `0x${"00".repeat(64)}` };
  const evidence = { ...goodEvidence, proof: { ...goodEvidence.proof, keyProof: broken } };
  expect(failuresOf(evidence).map(({ name }) => name)).toEqual(["derived key", "app key"]);
});
