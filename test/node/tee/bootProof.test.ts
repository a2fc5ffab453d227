import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { bootKey } from "../../../node/src/consensus/ids.ts";
import { ClusterError } from "../../../node/src/errors.ts";
import type {
  Appraisal,
  BootProof,
  ProveBoot,
  VerifyBoot,
} from "../../../node/src/runtime/attestation.ts";
import type { Block } from "../../../node/src/runtime/ports.ts";
import { type Enclave, openEnclave } from "../../../node/src/tee/enclave.ts";
import { createBootProver } from "../../../node/src/tee/proveBoot.ts";
import { QuoteError } from "../../../node/src/tee/quote.ts";
import {
  createBootVerifier,
  leaveChainOfTrustUnverified,
  type VerifyChainOfTrust,
} from "../../../node/src/tee/verifyBoot.ts";
import { recordingLog } from "../../support/recorders.ts";
import { type Simulator, startSimulator } from "../../support/simulator.ts";

const appraisal: Appraisal = {
  composeHash: "c5".repeat(32),
  appId: "a9".repeat(20),
  instanceId: "1d".repeat(20),
  osImageHash: null,
  deviceId: "de".repeat(32),
  tcbStatus: "UpToDate",
  advisoryIds: [],
};
const cluster = { chainId: 31_337, contract: `0x${"c0".repeat(20)}` };
const key = bootKey("b2".repeat(32));

let simulator: Simulator;
let enclave: Enclave;
let other: Enclave;
let chain: ReturnType<typeof chainOf>;
let nowMs: number;
let quotes: number;

beforeAll(async () => {
  simulator = await startSimulator({ instances: 2 });
  const { log } = recordingLog();
  enclave = await openEnclave({ endpoint: simulator.sockets[0], log });
  other = await openEnclave({ endpoint: simulator.sockets[1], log });
});
afterAll(() => simulator.stop());
beforeEach(() => {
  chain = chainOf(10);
  nowMs = 0;
  quotes = 0;
});

/** A chain of blocks two seconds apart, which can be extended, reorganised and taken away. */
function chainOf(length: number) {
  const at = (number: bigint, fork = "a"): Block => ({
    number,
    hash: `0x${fork}${number.toString(16).padStart(63, "0")}`,
    timestampMs: Number(number) * 2_000,
  });
  const blocks = Array.from({ length }, (_, number) => at(BigInt(number)));
  const state = { away: false };
  function reach(): void {
    if (state.away) throw new ClusterError({ code: "chain.unreachable" }, "the chain is away");
  }
  return {
    state,
    extend(count: number) {
      for (let more = 0; more < count; more += 1) blocks.push(at(BigInt(blocks.length)));
    },
    reorganise(fromNumber: number) {
      blocks.forEach((block, number) => {
        if (number >= fromNumber) blocks[number] = at(block.number, "f");
      });
    },
    async head() {
      reach();
      const head = blocks.at(-1);
      if (head === undefined) throw new Error("no block");
      return head;
    },
    async blockAt(number: bigint) {
      reach();
      return blocks[Number(number)] ?? null;
    },
  };
}

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

function verifier(
  verifyChainOfTrust: VerifyChainOfTrust = async () => appraisal,
  limits: { graceMs?: number; ageMsMax?: number } = {},
): VerifyBoot {
  return createBootVerifier({
    cluster,
    head: () => chain.head(),
    blockAt: (number) => chain.blockAt(number),
    verifyChainOfTrust,
    log: recordingLog().log,
    nowMs: () => nowMs,
    ...limits,
  });
}

async function faultOf(refused: Promise<unknown>): Promise<unknown> {
  const error = await refused.then(
    () => "accepted",
    (reason: unknown) => reason,
  );
  return error instanceof ClusterError ? error.fault : error;
}

test("a proof vouches for the boot that made it", async () => {
  const proof = await prover()();

  expect(proof).toMatchObject({ wallet: enclave.wallet.address, bootKey: key, blockNumber: "7" });
  await expect(verifier()(proof)).resolves.toEqual(appraisal);
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
  await expect(verifier()(proof)).resolves.toEqual(appraisal);

  chain.extend(1);
  expect(await faultOf(verifier()(proof))).toEqual({
    code: "quote.stale",
    ageMs: 602_000,
    ageMsMax: 600_000,
  });
});

test("while the chain is away, a proof is accepted for as long as the grace period", async () => {
  const proof = await prover()();
  const verify = verifier(undefined, { graceMs: 60_000 });
  await verify(proof);
  chain.state.away = true;

  nowMs = 60_000;
  await expect(verify(proof)).resolves.toEqual(appraisal);
  nowMs = 60_001;
  expect(await faultOf(verify(proof))).toMatchObject({ code: "chain.unreachable" });
});

test("who has never seen the chain accepts nothing while it is away", async () => {
  const proof = await prover()();
  chain.state.away = true;
  expect(await faultOf(verifier()(proof))).toMatchObject({ code: "chain.unreachable" });
});

test("the chain of trust has the last word, and sees the parsed quote", async () => {
  const proof = await prover()();
  const fault = {
    code: "quote.rejected",
    check: "debug attribute",
    expected: "0",
    actual: "1",
  } as const;
  const refused = verifier(async () => {
    throw new QuoteError(fault, "refused");
  });
  expect(await faultOf(refused(proof))).toEqual(fault);
});

test("an unverified chain of trust is admitted in the log, once", async () => {
  const { log, lines } = recordingLog();
  const verify = verifier(leaveChainOfTrustUnverified(log));
  await verify(await prover()());
  await verify(await prover()());
  expect(lines.map(({ sentence }) => sentence)).toEqual([
    "quotes' chain of trust is not verified yet: their origin is unproven",
  ]);
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
