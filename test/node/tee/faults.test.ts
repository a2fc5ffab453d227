/** What a verifier says of each thing that the real simulator can do wrong. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BootProof } from "../../../node/src/runtime/attestation.ts";
import { type Enclave, openEnclave } from "../../../node/src/tee/enclave.ts";
import { recordingLog } from "../../support/recorders.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../support/simulator.ts";
import {
  admissionOf,
  chainOf,
  faultOf,
  proverOf,
  temporaryDirectory,
  type VerifierChange,
  verificationOf,
} from "./support.ts";

let simulator: Simulator;
let enclave: Enclave;
beforeAll(async () => {
  simulator = await startSimulator({ instances: 1, pccs: true });
  enclave = await openEnclave({ endpoint: simulator.sockets[0], log: recordingLog().log });
});
afterAll(() => simulator.stop());

const chain = () => chainOf(10, admissionOf(simulator));

/** The fault that a verifier of the good simulator's finds in a proof of another's. */
async function faultWith(options: SimulatorOptions): Promise<unknown> {
  const bad = await startSimulator({ instances: 1, ...options });
  try {
    const log = recordingLog().log;
    const member = await openEnclave({ endpoint: bad.sockets[0], log });
    const there = chain();
    const prove = proverOf(member, there);
    if (options.faults?.includes("replayed-quote") === true) await member.quote(new Uint8Array(64));
    return await faultOf(verificationOf(simulator, there, member).verify(await prove()));
  } finally {
    await bad.stop();
  }
}

async function proofAndVerifier(change: VerifierChange = {}) {
  const there = chain();
  const proof = await proverOf(enclave, there)();
  return { proof, there, ...verificationOf(simulator, there, enclave, change) };
}

test("what nothing is wrong with is accepted", async () => {
  const { proof, verify, reverify } = await proofAndVerifier();
  expect(await verify(proof)).toMatchObject({ tcbStatus: "UpToDate" });
  expect(await reverify(proof)).toMatchObject({ deviceId: simulator.deviceId });
});

const rejectedFor = (check: string) => ({ code: "quote.rejected", check });
test.each([
  ["wrong-report-data", { code: "quote.reportDataMismatch" }],
  ["replayed-quote", { code: "quote.reportDataMismatch" }],
  ["debug", rejectedFor("debug attribute")],
  ["wrong-event-log", rejectedFor("event log, RTMR3")],
  ["foreign-root", rejectedFor("chain of trust")],
  ["bad-signature", rejectedFor("chain of trust")],
] as const)("%s is told by its name", async (fault, expected) => {
  expect(await faultWith({ faults: [fault] })).toMatchObject(expected);
});

test.each([
  ["out-of-date", { ...rejectedFor("TCB status"), actual: "OutOfDate" }],
  ["tcb-revoked", { ...rejectedFor("TCB status"), actual: "Revoked" }],
  ["pck-revoked", rejectedFor("chain of trust")],
  ["expired-collateral", { code: "quote.unverifiable" }],
  ["not-found", { code: "quote.unverifiable" }],
  ["unavailable", { code: "quote.unverifiable" }],
] as const)("collateral that is %s is told by its name", async (fault, expected) => {
  await simulator.setFaults([fault]);
  try {
    const { proof, verify } = await proofAndVerifier();
    expect(await faultOf(verify(proof))).toMatchObject(expected);
  } finally {
    await simulator.setFaults([]);
  }
});

test("what the contract stops allowing is refused the next time, and then allowed again", async () => {
  const { proof, there, verify, reverify } = await proofAndVerifier();
  await verify(proof);
  there.state.admission = { ...there.state.admission, composeHashAllowed: false };
  expect(await faultOf(reverify(proof))).toEqual({
    ...rejectedFor("compose hash"),
    expected: "one that the contract allows",
    actual: simulator.composeHash,
  });
  there.state.admission = { ...there.state.admission, composeHashAllowed: true };
  expect(await reverify(proof)).toMatchObject({ composeHash: simulator.composeHash });
});

test("a boot that lives is judged again however old its block has grown", async () => {
  const { proof, there, verify, reverify } = await proofAndVerifier();
  there.extend(1_000);
  expect(await faultOf(verify(proof))).toMatchObject({ code: "quote.stale" });
  expect(await reverify(proof)).toMatchObject({ tcbStatus: "UpToDate" });
});

test("a clock that was turned back does not keep collateral alive: the chain's time counts", async () => {
  const { proof, there, verify } = await proofAndVerifier({
    dateMs: () => 0,
    ageMsMax: Number.MAX_SAFE_INTEGER,
  });
  there.stamp(Date.now());
  expect(await verify(proof)).toMatchObject({ tcbStatus: "UpToDate" });
  const fortyDays = 40 * 86_400_000;
  there.stamp(Date.now() + fortyDays);
  expect(await faultOf(verify(proof))).toMatchObject({ code: "quote.unverifiable" });
});

test("only listed OS measurements are accepted where some are listed", async () => {
  const { mrTd, rtmr0, rtmr1, rtmr2 } = await measurementsIn(enclave);
  const file = (image: object) => {
    const path = join(temporaryDirectory(), "images.json");
    writeFileSync(path, JSON.stringify([{ name: "simulator", ...image }]));
    return path;
  };
  const good = await proofAndVerifier({ osMeasurements: file({ mrTd, rtmr0, rtmr1, rtmr2 }) });
  expect(await good.verify(good.proof)).toMatchObject({ tcbStatus: "UpToDate" });
  const other = "99".repeat(48);
  const bad = await proofAndVerifier({ osMeasurements: file({ mrTd: other, rtmr1, rtmr2 }) });
  expect(await faultOf(bad.verify(bad.proof))).toMatchObject(rejectedFor("OS measurements"));
});

async function measurementsIn(of: Enclave) {
  const { quote } = await of.quote(new Uint8Array(64));
  const at = (offset: number) => quote.slice(offset * 2, (offset + 48) * 2);
  return { mrTd: at(184), rtmr0: at(376), rtmr1: at(424), rtmr2: at(472) };
}

test("another instance's record refuses a member by its instance id", async () => {
  const there = chain();
  const proof: BootProof = await proverOf(enclave, there)();
  const { verify } = verificationOf(simulator, there, { instanceId: "ee".repeat(20) });
  expect(await faultOf(verify(proof))).toEqual({
    ...rejectedFor("instance id"),
    expected: "ee".repeat(20),
    actual: simulator.instanceIds[0],
  });
});
