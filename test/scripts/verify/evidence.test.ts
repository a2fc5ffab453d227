import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { memberId } from "../../../node/src/consensus/ids.ts";
import type { Admission } from "../../../node/src/runtime/attestation.ts";
import type { Attestation } from "../../../node/src/runtime/service.ts";
import type { Certificate } from "../../../node/src/tee/certificates.ts";
import { readRoot } from "../../../node/src/tee/chainOfTrust.ts";
import type { Collateral } from "../../../node/src/tee/collateral.ts";
import type { Enclave } from "../../../node/src/tee/enclave.ts";
import { intelRoot } from "../../../node/src/tee/intelRoot.ts";
import { unverifiable } from "../../../node/src/tee/quote.ts";
import { appraise, type Presented, type Standards } from "../../../scripts/verify/evidence.ts";
import { groups } from "../../../scripts/verify/finding.ts";
import { attestationSchema } from "../../../scripts/verify/node.ts";
import { type Simulator, startSimulator } from "../../support/simulator.ts";
import {
  admissionOf,
  attestation,
  chainOf,
  cluster,
  enclaveOf,
  nonce,
  presented,
  standardsOf,
} from "./answers.ts";

let simulator: Simulator;
let enclave: Enclave;
let other: Enclave;
let chain: ReturnType<typeof chainOf>;
let root: Certificate;
let answer: Attestation;
let collateral: Collateral;

beforeAll(async () => {
  simulator = await startSimulator({ instances: 2, pccs: true });
  root = readRoot(readFileSync(simulator.attestationRoot));
  chain = chainOf(20, admissionOf(simulator));
  [enclave, other] = await Promise.all([enclaveOf(simulator), enclaveOf(simulator, 1)]);
  answer = await attestation(enclave, chain, { simulator });
  collateral = collateralIn(answer);
});
afterAll(() => simulator.stop());

/** As the verifier reads it. */
function collateralIn(given: Attestation): Collateral {
  return attestationSchema.parse(given).collateral ?? expect.unreachable("no collateral");
}

type Change = Parameters<typeof standardsOf>[2];

async function judge(given: Partial<Presented> = {}, change: Change = {}) {
  const standards = await standardsOf(chain, root, change);
  return appraise({ ...presented(enclave, answer, collateral), ...given }, standards);
}

async function failuresOf(given: Partial<Presented>, change: Change = {}) {
  const { findings } = await judge(given, change);
  return findings.filter(({ result }) => result === "failed");
}

const named = (findings: readonly { group: string; check: string }[]) =>
  findings.map(({ group, check }) => `${group}: ${check}`);

test("a member's own answer passes every check", async () => {
  const { findings, proof, ownRoot } = await judge();
  expect(findings.filter(({ result }) => result !== "ok")).toEqual([]);
  expect(proof).toMatchObject({ quote: answer.quote, bootKey: answer.bootKey });
  expect(ownRoot).toBe("Simulated SGX Root CA");
  const asked = new Set(findings.map(({ group }) => group));
  expect(groups.filter((group) => !asked.has(group))).toEqual(["same log root"]);
});

test("every check is in the part of the table where a person looks for it", async () => {
  const { findings } = await judge();
  const of = (group: string) =>
    findings.filter((finding) => finding.group === group).map(({ check }) => check);
  expect(of("chain of trust")).toEqual([
    "chain of trust",
    "QE vendor",
    "TDX module's signer",
    "debug attribute",
    "TD attributes",
    "TCB status",
    "TCB status by contract",
    "device",
  ]);
  expect(of("freshness")).toEqual(["nonce", "block"]);
  expect(of("roster")).toEqual([
    "instance id",
    "derived key",
    "app key",
    "KMS root",
    "wallet",
    "report data",
    "wallet signature",
  ]);
  expect(of("measurements")).toContain("compose hash");
});

const refused: readonly (readonly [string, Partial<Admission>, string])[] = [
  ["compose hash", { composeHashAllowed: false }, "measurements: compose hash"],
  ["device", { deviceAllowed: false }, "chain of trust: device"],
  ["OS image", { osImagesRestricted: true, osImageAllowed: false }, "measurements: OS image"],
  ["app", { appId: "ab".repeat(20) }, "measurements: app id"],
  ["KMS root", { kmsRoot: memberId(`0x${"ab".repeat(20)}`) }, "roster: KMS root"],
];
test.each(refused)(
  "a %s that the contract does not allow fails alone",
  async (_, admission, name) => {
    const failures = named(await failuresOf({}, { admission }));
    // What the KMS signed covers the app's id.
    const also = name.endsWith("app id") ? ["roster: KMS root"] : [];
    expect(failures).toEqual([name, ...also]);
  },
);

const held: readonly (readonly [string, () => Partial<Standards>, string])[] = [
  ["an unknown block", () => ({ blockAt: async () => null }), "freshness: block"],
  ["a block that is too old", () => ({ maxAgeMs: 1_000 }), "freshness: block"],
  [
    "another compose hash than the caller names",
    () => ({ composeHashes: ["ab".repeat(32)] }),
    "measurements: compose hash, by caller",
  ],
  [
    "a TCB status that the caller does not accept",
    () => ({ policy: { tcbStatusesAllowed: ["SWHardeningNeeded"], osMeasurements: [] } }),
    "chain of trust: TCB status",
  ],
  ["another chain", () => ({ cluster: { ...cluster, chainId: 1 } }), "roster: report data"],
  [
    "another contract",
    () => ({ cluster: { ...cluster, contract: `0x${"ab".repeat(20)}` } }),
    "roster: report data",
  ],
];
test.each(held)("%s fails, and is named", async (_, change, name) => {
  const failures = named(await failuresOf({}, change()));
  // Whose signature it is cannot be told once it is over something else.
  const also = name === "roster: report data" ? ["roster: wallet signature"] : [];
  expect(failures).toEqual([name, ...also]);
});

test("the compose hash that the caller names passes", async () => {
  const { composeHash } = simulator;
  const composeHashes = ["ab".repeat(32), composeHash];
  expect(await failuresOf({}, { composeHashes })).toEqual([]);
});

test("OS images are held against the caller's measurements", async () => {
  const image = {
    name: "mine",
    mrTd: "00".repeat(48),
    rtmr1: "00".repeat(48),
    rtmr2: "00".repeat(48),
  };
  const policy = { tcbStatusesAllowed: ["UpToDate"], osMeasurements: [image] };
  expect(named(await failuresOf({}, { policy }))).toEqual(["measurements: OS measurements"]);
});

test("an answer to another nonce is not fresh, whoever gave it", async () => {
  const failures = await failuresOf({ nonce: "5b".repeat(32) });
  expect(failures).toEqual([
    {
      group: "freshness",
      check: "nonce",
      result: "failed",
      expected: "5b".repeat(32),
      actual: nonce,
    },
  ]);
});

test("another member's answer does not pass for this one's", async () => {
  const failures = named(await failuresOf({ answer: await attestation(other, chain) }));
  expect(failures).toEqual([
    "roster: instance id",
    "roster: wallet",
    "roster: report data",
    "roster: wallet signature",
  ]);
});

test("another boot key than the quoted one is found out", async () => {
  const failures = named(await failuresOf({ answer: { ...answer, bootKey: "ab".repeat(32) } }));
  expect(failures).toEqual(["roster: report data", "roster: wallet signature"]);
});

test("a wallet's signature cannot be another's", async () => {
  const { signature } = await attestation(other, chain);
  const failures = named(await failuresOf({ answer: { ...answer, signature } }));
  expect(failures).toEqual(["roster: wallet signature"]);
});

test("a key of another instance is not this member's", async () => {
  const { keyProof } = await attestation(other, chain);
  const failures = named(await failuresOf({ answer: { ...answer, keyProof } }));
  expect(failures).toEqual(["roster: derived key", "roster: app key"]);
});

test("an event log that does not replay is found out", async () => {
  const log = JSON.parse(answer.eventLog) as { event: string; event_payload: string }[];
  const changed = log.map((event) =>
    event.event === "key-provider" ? { ...event, event_payload: "00" } : event,
  );
  const failures = await failuresOf({ answer: { ...answer, eventLog: JSON.stringify(changed) } });
  expect(named(failures)).toEqual(["measurements: event log, RTMR3"]);
});

test.each<readonly [string, (given: Attestation) => unknown]>([
  ["a field that is missing", ({ signature: _, ...rest }) => rest],
  ["a quote that is cut short", (given) => ({ ...given, quote: given.quote.slice(0, 1_000) })],
  ["an event log that is none", (given) => ({ ...given, eventLog: "{}" })],
])("%s leaves nothing to check", async (_, change) => {
  const { findings, proof } = await judge({ answer: change(answer) });
  expect(proof).toBeNull();
  expect(findings.map(({ check, result }) => `${check}: ${result}`)).toEqual([
    "attestation: failed",
    "chain of trust: skipped",
    "compose hash: skipped",
    "nonce: skipped",
  ]);
});

test("without the simulator's root there is no chain of trust, and no TCB status either", async () => {
  const asked: unknown[] = [];
  const { findings } = await judge(
    {},
    {
      root: readRoot(Buffer.from(intelRoot)),
      collateralFor: async (pck) => {
        asked.push(pck);
        return collateral;
      },
    },
  );
  const unsound = findings.filter(({ result }) => result !== "ok");
  expect(unsound.map(({ check, result }) => `${check}: ${result}`)).toEqual([
    "chain of trust: failed",
    "TCB status: skipped",
    "TCB status by contract: skipped",
  ]);
  expect(unsound[0]?.expected).toMatch(/"Intel SGX Root CA" vouches for/);
  expect(unsound[0]?.actual).toMatch(/ends in "Simulated SGX Root CA"/);
  // Nobody is asked about platforms whose certificates lead elsewhere.
  expect(asked).toEqual([]);
});

test("collateral that cannot be had, or is another root's, leaves the chain of trust open", async () => {
  const without = await judge(
    {},
    {
      collateralFor: async () => {
        throw unverifiable("the node serves no collateral");
      },
    },
  );
  const broken = { ...collateral, tcbInfo: collateral.tcbInfo.replace("UpToDate", "OutOfDate") };
  for (const { findings } of [without, await judge({ served: broken })]) {
    const unsound = findings.filter(({ result }) => result !== "ok");
    expect(unsound.map(({ check, result }) => `${check}: ${result}`)).toEqual([
      "collateral: failed",
      "chain of trust: skipped",
      "TCB status: skipped",
      "TCB status by contract: skipped",
    ]);
  }
});

test("collateral counts until its end by the later of both clocks, which the caller gives", async () => {
  const nowMs = Date.now() + 31 * 86_400_000;
  expect(named(await failuresOf({}, { nowMs }))).toEqual(["chain of trust: collateral"]);
});

test("a platform that lacks updates fails at its TCB status alone", async () => {
  await simulator.setFaults(["out-of-date"]);
  const served = collateralIn(await attestation(enclave, chain, { simulator }));
  await simulator.setFaults([]);
  const failures = await failuresOf({ served }, { admission: { tcbUpToDateRequired: true } });
  expect(named(failures)).toEqual([
    "chain of trust: TCB status",
    "chain of trust: TCB status by contract",
  ]);
  expect(failures[0]).toMatchObject({ expected: "UpToDate", actual: "OutOfDate" });
});

test("a debug machine is found out", async () => {
  const debuggable = await startSimulator({ instances: 1, faults: ["debug"] });
  try {
    const own = await enclaveOf(debuggable);
    const asked = presented(own, await attestation(own, chain), collateral);
    expect(named(await failuresOf(asked))).toContain("chain of trust: debug attribute");
  } finally {
    await debuggable.stop();
  }
});
