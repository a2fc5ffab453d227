import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { bootKey } from "../../../node/src/consensus/ids.ts";
import type { BootProof, ProveBoot, VerifyBoot } from "../../../node/src/runtime/attestation.ts";
import { type Enclave, openEnclave } from "../../../node/src/tee/enclave.ts";
import { createBootProver } from "../../../node/src/tee/proveBoot.ts";
import { recordingLog } from "../../support/recorders.ts";
import { type Simulator, startSimulator } from "../../support/simulator.ts";
import { admissionOf, chainOf, cluster, faultOf, key, verificationOf } from "./support.ts";

let simulator: Simulator;
let enclave: Enclave;
let other: Enclave;
let chain: ReturnType<typeof chainOf>;
let nowMs: number;
let quotes: number;

beforeAll(async () => {
  simulator = await startSimulator({ instances: 2, pccs: true });
  const { log } = recordingLog();
  enclave = await openEnclave({ endpoint: simulator.sockets[0], log });
  other = await openEnclave({ endpoint: simulator.sockets[1], log });
});
afterAll(() => simulator.stop());
beforeEach(() => {
  chain = chainOf(10, admissionOf(simulator));
  nowMs = 0;
  quotes = 0;
});

function prover(of: Enclave = enclave, bound = cluster): ProveBoot {
  const { log } = recordingLog();
  const counted = {
    wallet: of.wallet,
    keyProof: of.keyProof,
    quote(reportData: Uint8Array) {
      quotes += 1;
      return of.quote(reportData);
    },
  };
  return createBootProver({
    enclave: counted,
    bootKey: key,
    cluster: bound,
    head: () => chain.head(),
    blockAt: (number) => chain.blockAt(number),
    log,
    nowMs: () => nowMs,
  });
}

function verifier(limits: { graceMs?: number; ageMsMax?: number } = {}): VerifyBoot {
  return verificationOf(simulator, chain, enclave, { ...limits, clockMs: () => nowMs }).verify;
}

test("a proof vouches for the boot that made it", async () => {
  const proof = await prover()();

  expect(proof).toMatchObject({ wallet: enclave.wallet.address, bootKey: key, blockNumber: "7" });
  await expect(verifier()(proof)).resolves.toEqual({
    composeHash: simulator.composeHash,
    appId: simulator.appId,
    instanceId: simulator.instanceIds[0],
    osImageHash: simulator.measurements.osImageHash,
    deviceId: simulator.deviceId,
    tcbStatus: "UpToDate",
    advisoryIds: [],
  });
});

test("a genuine quote does not vouch for another boot key, wallet, cluster or block", async () => {
  const proof = await prover()();
  const forged: Partial<BootProof>[] = [
    { bootKey: bootKey("b3".repeat(32)) },
    { wallet: other.wallet.address },
    { blockNumber: "6" },
    { blockHash: `0x${"0".repeat(64)}` },
  ];
  for (const change of forged) {
    const fault = await faultOf(verifier()({ ...proof, ...change }));
    expect(fault).toMatchObject({ code: "quote.reportDataMismatch" });
  }
  const elsewhere = await prover(enclave, { ...cluster, contract: `0x${"c1".repeat(20)}` })();
  const otherChain = await prover(enclave, { ...cluster, chainId: 1 })();
  for (const foreign of [elsewhere, otherChain]) {
    const fault = await faultOf(verifier()(foreign));
    expect(fault).toMatchObject({ code: "quote.reportDataMismatch" });
  }
});

test("a quote is worth nothing without its wallet's own signature", async () => {
  const proof = await prover()();
  const { signature } = await prover(other)();

  const fault = await faultOf(verifier()({ ...proof, signature }));
  expect(fault).toMatchObject({ code: "quote.walletMismatch", expected: enclave.wallet.address });
});

test("a proof whose block is not on the chain is refused", async () => {
  const proof = await prover()();
  chain.reorganise(5);

  const fault = await faultOf(verifier()(proof));
  expect(fault).toMatchObject({ code: "quote.blockUnknown", blockNumber: "7" });
});

test("a proof is stale once the chain has gone on for longer than allowed", async () => {
  const proof = await prover()();
  chain.extend(298);
  await expect(verifier()(proof)).resolves.toMatchObject({ tcbStatus: "UpToDate" });

  chain.extend(1);
  expect(await faultOf(verifier()(proof))).toEqual({
    code: "quote.stale",
    ageMs: 602_000,
    ageMsMax: 600_000,
  });
});

test("while the chain is away, a proof is accepted for as long as the grace period", async () => {
  const proof = await prover()();
  const verify = verifier({ graceMs: 60_000 });
  await verify(proof);
  chain.state.away = true;

  nowMs = 60_000;
  await expect(verify(proof)).resolves.toMatchObject({ tcbStatus: "UpToDate" });
  nowMs = 60_001;
  expect(await faultOf(verify(proof))).toMatchObject({ code: "chain.unreachable" });
});

test("who has never seen the chain accepts nothing while it is away", async () => {
  const proof = await prover()();
  chain.state.away = true;
  expect(await faultOf(verifier()(proof))).toMatchObject({ code: "chain.unreachable" });
});

test("garbage in any field is a malformed proof, whatever the field", async () => {
  const proof = await prover()();
  const garbage: unknown[] = ["", "0x", "zz", "-1", "1e9", "0x1", 7, null, [], {}, "f".repeat(99)];
  for (const field of Object.keys(proof).filter((name) => name !== "eventLog")) {
    for (const value of garbage) {
      const broken = { ...proof, [field]: value } as BootProof;
      expect(await faultOf(verifier()(broken))).toMatchObject({ code: "quote.malformed" });
    }
  }
});

test("one quote serves all peers, and calls at the same time share it", async () => {
  const prove = prover();
  const [first, second] = await Promise.all([prove(), prove()]);
  nowMs = 299_999;
  const third = await prove();

  expect(second).toBe(first);
  expect(third).toBe(first);
  expect(quotes).toBe(1);
});

test("a proof is made anew when it is five minutes old", async () => {
  const prove = prover();
  const first = await prove();
  chain.extend(100);
  nowMs = 300_000;
  const second = await prove();

  expect(second.blockNumber).toBe("107");
  expect(second.quote).not.toBe(first.quote);
});

test("while the chain is away, the last proof is given however old", async () => {
  const prove = prover();
  const first = await prove();
  chain.state.away = true;
  nowMs = 3_600_000;
  expect(await prove()).toBe(first);
});

test("without any proof, the reason why none can be made reaches the caller", async () => {
  chain.state.away = true;
  await expect(prover()()).rejects.toThrow("the chain is away");
});

test("a proof whose block was reorganised away is replaced beside the calls", async () => {
  const prove = prover();
  const first = await prove();
  chain.reorganise(5);
  nowMs = 5_000;
  expect(await prove()).toBe(first);
  const hash = async () => (await prove()).blockHash;
  await expect.poll(hash, { timeout: 15_000 }).toMatch(/^0xf/);
});
