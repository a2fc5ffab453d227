/** Members on loopback, with real sockets and real keys; only the attestation is pretended. */
import { createHash } from "node:crypto";
import { onTestFinished, vi } from "vitest";
import {
  type Boot,
  type Digest,
  hash,
  type MemberId,
  memberId,
} from "../../../node/src/consensus/ids.ts";
import type { Message } from "../../../node/src/consensus/message.ts";
import type { Appraisal, BootProof } from "../../../node/src/runtime/attestation.ts";
import type {
  Log,
  PeerAddress,
  PeerRequest,
  PeerResponse,
} from "../../../node/src/runtime/ports.ts";
import { type BootIdentity, createBootIdentity } from "../../../node/src/transport/identity.ts";
import { openPeers, type PeersOptions } from "../../../node/src/transport/peers.ts";

export const digest: Digest = (previous, bytes) =>
  hash(createHash("sha256").update(Buffer.from(previous, "hex")).update(bytes).digest("hex"));

export const cluster = { chainId: 31_337, contract: `0x${"c0".repeat(20)}` };
export const [alice, bob, carol] = ["a1", "b0", "ca"].map((byte) =>
  memberId(`0x${byte.repeat(20)}`),
) as [MemberId, MemberId, MemberId];

export function proofOf(wallet: MemberId, identity: BootIdentity): BootProof {
  return {
    wallet,
    bootKey: identity.bootKey,
    blockNumber: "7",
    blockHash: `0x${"0b".repeat(32)}`,
    quote: "0badc0de",
    eventLog: "[]",
    signature: `0x${"51".repeat(65)}`,
    keyProof: {
      derivedPublicKey: `0x${"77".repeat(64)}`,
      appPublicKey: `0x${"88".repeat(64)}`,
      appSignature: `0x${"99".repeat(65)}`,
      kmsSignature: `0x${"aa".repeat(65)}`,
    },
  };
}

/** What a verifier that accepts says of `proofOf`'s machine. */
export const appraisal: Appraisal = {
  composeHash: "c5".repeat(32),
  appId: "a9".repeat(20),
  instanceId: "1d".repeat(20),
  osImageHash: null,
  deviceId: "de".repeat(32),
  tcbStatus: "UpToDate",
  advisoryIds: [],
};

export type Line = { readonly level: string; readonly fields: object; readonly sentence: string };

export function recordingLog(lines: Line[]): Log {
  const at = (level: string) => (fields: object, sentence: string) => {
    lines.push({ level, fields, sentence });
  };
  const log: Log = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => log,
  };
  return log;
}

export type TestPeer = Awaited<ReturnType<typeof startPeer>>;

/** A member's peer channel that notes all that happens to it; closed when the test ends. */
export async function startPeer(self: MemberId, options: Partial<PeersOptions> = {}) {
  const identity = options.identity ?? (await createBootIdentity());
  const connected: Boot[] = [];
  const disconnected: Boot[] = [];
  const messages: { readonly from: Boot; readonly message: Message }[] = [];
  const counts = new Map<string, number>();
  const lines: Line[] = [];
  const answers: { current: (from: Boot, request: PeerRequest) => Promise<PeerResponse> } = {
    current: () => Promise.reject(new Error("no answer was arranged")),
  };
  const verify = vi.fn((_proof: BootProof): Promise<Appraisal> => Promise.resolve(appraisal));
  const peers = await openPeers({
    identity,
    cluster,
    self,
    host: "127.0.0.1",
    port: 0,
    digest,
    prove: () => Promise.resolve(proofOf(self, identity)),
    verify,
    events: {
      connected: (boot) => connected.push(boot),
      disconnected: (boot) => disconnected.push(boot),
      message: (from, message) => messages.push({ from, message }),
      request: (from, request) => answers.current(from, request),
    },
    log: recordingLog(lines),
    count: (name, labels, by = 1) => {
      const key = `${name} ${Object.values(labels ?? {}).join(" ")}`;
      counts.set(key, (counts.get(key) ?? 0) + by);
    },
    ...options,
  });
  onTestFinished(() => peers.close());
  const boot: Boot = { member: self, bootKey: identity.bootKey };
  const address: PeerAddress = { member: self, peerEndpoint: `127.0.0.1:${peers.port}` };
  const rejected = (reason: string): number => counts.get(`peer_rejected_total ${reason}`) ?? 0;
  const dropped = (reason: string): number => counts.get(`peer_dropped_total ${reason}`) ?? 0;
  return {
    ...{ peers, identity, boot, address, connected, disconnected, messages, lines, verify },
    ...{ answers, rejected, dropped },
  };
}

/** Introduces members to one another and waits until each reaches each. */
export async function introduce(...members: readonly TestPeer[]): Promise<void> {
  const roster = members.map(({ address }) => address);
  for (const { peers } of members) peers.setRoster(roster);
  await eventually(() => members.every(({ connected }) => connected.length === members.length - 1));
}

export async function eventually(isSo: () => boolean, timeoutMs = 10_000): Promise<void> {
  await vi.waitFor(
    () => {
      if (!isSo()) throw new Error(`it did not come about within ${timeoutMs} ms: ${isSo}`);
    },
    { timeout: timeoutMs, interval: 5 },
  );
}
