/** A service with canned answers that remembers what it was asked, and what goes with it. */

import { bootKey, memberId } from "../../../node/src/consensus/ids.ts";
import { ClusterError } from "../../../node/src/errors.ts";
import type { AppOptions } from "../../../node/src/http/app.ts";
import type { CallFault, Log } from "../../../node/src/runtime/ports.ts";
import type { Receipt } from "../../../node/src/runtime/receipt.ts";
import type { ReceiptFault } from "../../../node/src/runtime/receipts.ts";
import type { Attestation, NodeStatus, Service } from "../../../node/src/runtime/service.ts";

export const leaderUrl = "http://127.0.0.1:8081";
const wallet = memberId(`0x${"11".repeat(20)}`);
const key = bootKey("22".repeat(32));

export const status: NodeStatus = {
  node: { slot: 0, wallet, instanceId: "ab", bootKey: key, endpoint: leaderUrl, version: "0.1.0" },
  role: "leader",
  term: 3,
  leader: { slot: 0, wallet, endpoint: leaderUrl },
  members: 3,
  quorum: 2,
  lastIndex: 1_234,
  commitIndex: 1_230,
  appliedIndex: 1_230,
  lagEntries: 0,
  checkpoint: { index: 1_100, coldTerm: 0 },
  anchor: null,
  chain: {
    id: 31_337,
    contract: `0x${"33".repeat(20)}`,
    block: 9,
    ageMs: 40,
    disagreeing: [],
  },
  uptimeMs: 5_000,
};

export const proof: Attestation = {
  wallet,
  bootKey: key,
  blockNumber: "7",
  blockHash: `0x${"44".repeat(32)}`,
  quote: "0400",
  eventLog: "[]",
  signature: "0x55",
  keyProof: {
    derivedPublicKey: `0x${"77".repeat(64)}`,
    appPublicKey: `0x${"88".repeat(64)}`,
    appSignature: `0x${"99".repeat(65)}`,
    kmsSignature: `0x${"aa".repeat(65)}`,
  },
  reportData: "66",
  preimage: {
    domain: "dstack-cluster/boot/v1",
    chainId: 31_337,
    contract: status.chain.contract,
    wallet,
    bootKey: key,
    blockNumber: "7",
    blockHash: `0x${"44".repeat(32)}`,
  },
  collateral: { tcbInfo: "{}" },
  checkpoints: [],
};

export const receipt: Receipt = {
  format: 1,
  chainId: 31_337,
  contract: `0x${"33".repeat(20)}`,
  index: 7,
  term: 3,
  entry: "0x02",
  prevHash: `0x${"77".repeat(32)}`,
  path: [`0x${"88".repeat(32)}`],
  checkpoint: {
    coldTerm: 0,
    index: 1_100,
    logRoot: `0x${"99".repeat(32)}`,
    stateHash: `0x${"aa".repeat(32)}`,
  },
  signatures: [],
};

export type Asked = readonly [call: keyof Service, ...values: unknown[]];
export type Fixture = AppOptions & {
  readonly asked: Asked[];
  readonly counted: string[];
  readonly logged: string[];
};

/** `overrides` answer in place of the canned answers. */
export function fixture(overrides: Partial<Service> = {}): Fixture {
  const asked: Asked[] = [];
  const counted: string[] = [];
  const logged: string[] = [];
  const service: Service = {
    async increment(request) {
      asked.push(["increment", request]);
      return { value: 41 + request.by, term: 3, index: 9, leader: leaderUrl };
    },
    async counter(consistency) {
      asked.push(["counter", consistency]);
      return { value: 42, term: 3, index: 9, consistency, ageMs: 0 };
    },
    status: () => status,
    members: () => [],
    log(from, limit) {
      asked.push(["log", from, limit]);
      return { entries: [], firstIndex: 1, lastIndex: 1_230 };
    },
    async receipt(index) {
      asked.push(["receipt", index]);
      return receipt;
    },
    health: () => ({ ok: true }),
    async attestation(nonce) {
      asked.push(["attestation", nonce]);
      return proof;
    },
    metrics: async () => "dstack_cluster_term 3\n",
    ...overrides,
  };
  const count: AppOptions["count"] = (name, labels) => {
    counted.push([name, ...Object.values(labels ?? {})].join(" "));
  };
  return { service, log: logTo(logged), count, observe: () => {}, asked, counted, logged };
}

export function failing(
  fault: CallFault | ReceiptFault,
  message = "as the service said",
): Partial<Service> {
  const fail = () => Promise.reject(new ClusterError(fault, message));
  return { increment: fail, counter: fail, attestation: fail, receipt: fail };
}

function logTo(lines: string[]): Log {
  const line = (fields: object, sentence: string) => {
    lines.push(`${sentence}: ${"err" in fields ? String(fields.err) : ""}`);
  };
  const log: Log = { debug: line, info: line, warn: line, error: line, child: () => log };
  return log;
}
