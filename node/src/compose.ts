/**
 * Joins the parts of a node: the only file that knows every adapter.
 *
 * Order matters for whoever watches: clients are answered (with what the node waits for) before the
 * guest agent, the chain or a peer has answered the node.
 */
import { type ClusterChain, openChain } from "./chain/chain.ts";
import { registrationOf } from "./chain/registration.ts";
import { createVoteRecoverer, createVoteSigner } from "./chain/votes.ts";
import { createCheckpointSigner, createVoucherRecoverer } from "./chain/vouchers.ts";
import { type Watch, watchChain } from "./chain/watch.ts";
import type { Config } from "./config/config.ts";
import { protocolSettings } from "./config/protocol.ts";
import type { Setup } from "./consensus/replica.ts";
import { type HttpServer, startHttp } from "./http/server.ts";
import { createService } from "./runtime/answers.ts";
import type { Verdicts } from "./runtime/attestation.ts";
import { CallError } from "./runtime/calls.ts";
import { enrol } from "./runtime/enrol.ts";
import { describe, type Member, startMember } from "./runtime/member.ts";
import type { Journal, Log } from "./runtime/ports.ts";
import { keepAttesting } from "./runtime/reattest.ts";
import { ownCheckpoints } from "./runtime/receipts.ts";
import type { Attestation } from "./runtime/service.ts";
import { newStation, type Station } from "./runtime/station.ts";
import { sha256Chain, sha256Tree } from "./storage/digest.ts";
import { openJournal } from "./storage/journal.ts";
import {
  type AttestationParts,
  openAttestation,
  readTrustSettings,
  type TrustSettings,
} from "./tee/attestation.ts";
import { type Enclave, openEnclave } from "./tee/enclave.ts";
import { createPresenter } from "./tee/present.ts";
import { watchNode } from "./telemetry/gauges.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import { type BootIdentity, createBootIdentity } from "./transport/identity.ts";
import { openPeers } from "./transport/peers.ts";

export type Node = {
  /** Hands over, answers what is under way, flushes. Resolves within 5 s. */
  stop(): Promise<void>;
};

export type NodeOptions = {
  readonly config: Config;
  readonly version: string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly onHalt: (exitCode: number, why: string) => void;
};

const drainMs = 1_500;
const handOverMsMax = 2_000;

/**
 * Opens the disk and the HTTP server; everything else follows as the world answers.
 *
 * @throws StorageError, HttpError, ClusterError attestation.unusable: what no waiting would mend
 */
export async function startNode(options: NodeOptions): Promise<Node> {
  const { config, log, metrics } = options;
  const { count } = metrics;
  const trust = readTrustSettings(config);
  const identity = await createBootIdentity();
  const { bootKey } = identity;
  const { endpoint } = config;
  const startedMs = performance.now();
  const station = newStation({ bootKey, endpoint, version: options.version, startedMs });
  const journal = await openJournal({
    directory: config.dataDir,
    digest: sha256Chain,
    log: log.child({ part: "journal" }),
    count,
    durability: config.durability,
  });
  const ending = new AbortController();
  const { signal } = ending;
  const parts: Parts = { options, trust, identity, station, journal, signal };
  const service = createService({
    station,
    nowMs: () => performance.now(),
    callMsMax: config.callMsMax,
    chainLagMsMax: config.maxChainLagMs,
    attest: (nonce) => attest(parts, nonce),
    metrics: () => metrics.render(),
  });
  const http = await startHttp({
    service,
    host: config.httpHost,
    port: config.httpPort,
    log: log.child({ part: "http" }),
    count,
    observe: metrics.observe,
    drainMs,
  });
  watchNode(metrics, station, http.calls);
  const working = work(parts).catch((error: unknown) => {
    if (!signal.aborted) options.onHalt(1, describe(error));
  });
  return { stop: () => stop(parts, http, ending, working) };
}

type Parts = {
  readonly options: NodeOptions;
  readonly trust: TrustSettings;
  readonly identity: BootIdentity;
  readonly station: Station;
  readonly journal: Journal;
  readonly signal: AbortSignal;
  attestation?: AttestationParts;
  present?: (nonce: string | null) => Promise<Attestation>;
};

/** The node's life up to serving: guest agent, chain, peers, registration. */
async function work(parts: Parts): Promise<void> {
  const { options, station, signal } = parts;
  const { config, log } = options;
  const onWaiting = (reason: string | null) => {
    station.waitingFor = reason;
  };
  const enclave = await openEnclave({
    endpoint: config.dstackEndpoint,
    log: log.child({ part: "tee" }),
    onWaiting: (reason) => onWaiting(`the guest agent: ${reason}`),
    signal,
  });
  station.identity = { wallet: enclave.wallet.address, instanceId: enclave.instanceId };
  onWaiting("the chain");
  const chain = await openChain({
    rpcUrls: config.rpcUrls,
    rpcQuorum: config.rpcQuorum,
    confirmations: config.confirmations,
    contract: config.contractAddress,
    wallet: enclave.wallet,
    keyProof: enclave.keyProof,
    digest: sha256Chain,
    log: log.child({ part: "chain" }),
    count: options.metrics.count,
    onWaiting: (reason) => onWaiting(`the chain: ${reason}`),
    signal,
  });
  const { chainId: id, contract, disagreeing } = chain;
  station.chain = { id, contract, disagreeing };
  await takePart(parts, enclave, chain, onWaiting);
}

async function takePart(
  parts: Parts,
  enclave: Enclave,
  chain: ClusterChain,
  onWaiting: (reason: string | null) => void,
): Promise<void> {
  const { options, identity, station, signal } = parts;
  const { config, log, metrics } = options;
  let watch: Watch | null = null;
  const member = becomeMember(parts, enclave, chain, () => watch?.refresh());
  const cluster = { chainId: chain.chainId, contract: chain.contract };
  const attestation = openAttestation({
    ...config,
    settings: parts.trust,
    enclave,
    bootKey: identity.bootKey,
    chain,
    newestView: () => member.chainView()?.view ?? null,
    onOwnProof: (problem) => {
      station.attestation = problem;
    },
    log: log.child({ part: "attestation" }),
    count: metrics.count,
    signal,
  });
  parts.attestation = attestation;
  const { prove, verdicts, collateralFor } = attestation;
  station.verdicts = verdicts;
  parts.present = createPresenter({
    ...{ cluster, enclave, prove, collateralFor },
    ownCheckpoints: () => ownCheckpoints(member.runner.replica()),
  });
  const peers = await openPeers({
    identity,
    cluster,
    self: enclave.wallet.address,
    host: config.peerHost,
    port: config.peerPort,
    digest: sha256Chain,
    prove,
    verify: verdicts.verify,
    events: member.peerEvents,
    log: log.child({ part: "peers" }),
    count: metrics.count,
  });
  member.attach(peers);
  station.member = member;
  watch = keepWatch(parts, chain, member, verdicts);
  const { endpoint, peerEndpoint } = config;
  const { instanceId } = enclave;
  const boot = { instanceId, bootKey: identity.bootKey, endpoint, peerEndpoint };
  const outcome = await enrol({
    chain,
    bootKey: identity.bootKey,
    tokenId: config.tokenId,
    registration: async () => registrationOf(boot, (await prove()).quote),
    onWaiting,
    log: log.child({ part: "enrol" }),
    signal,
  });
  if (outcome === "this-boot") member.onRegistered();
  watch.refresh();
}

function keepWatch(
  { options: { config, log }, signal }: Parts,
  chain: ClusterChain,
  member: Member,
  verdicts: Verdicts,
): Watch {
  const reattest = keepAttesting({
    verdicts,
    everyMs: config.reattestEveryMs,
    inUse: member.bootsInUse,
    policyChanged: chain.policyChanged,
    onRefused: member.onRefused,
    log: log.child({ part: "attestation" }),
    signal,
  });
  return watchChain({
    chain,
    pollMs: config.chainPollMs,
    onView: (view) => {
      member.onView(view);
      reattest.onView(view);
    },
    onError: ({ fault }) => log.warn({ fault }, "the contract could not be read"),
    signal,
  });
}

function becomeMember(
  { options, identity, journal }: Parts,
  { wallet }: Enclave,
  chain: ClusterChain,
  refreshView: () => void,
): Member {
  const { config, log, metrics, onHalt } = options;
  const setup: Setup = {
    ...protocolSettings(config),
    self: { member: wallet.address, bootKey: identity.bootKey },
    digest: sha256Chain,
    treeHash: sha256Tree,
  };
  return startMember({
    setup,
    journal,
    chain,
    signVote: createVoteSigner(chain, wallet),
    recoverVoter: createVoteRecoverer(chain),
    signCheckpoint: createCheckpointSigner(chain, wallet),
    recoverVoucher: createVoucherRecoverer(chain),
    refreshView,
    snapshotEvery: config.snapshotEvery,
    callMsMax: config.callMsMax,
    waitingMax: 4_096,
    log: log.child({ part: "consensus" }),
    count: metrics.count,
    onHalt,
  });
}

async function attest({ station, present }: Parts, nonce: string | null): Promise<Attestation> {
  if (present !== undefined) return await present(nonce);
  const reason = `there is no quote yet: the node waits for ${station.waitingFor}`;
  throw new CallError({ code: "node.unavailable", reason }, reason);
}

async function stop(
  { station, journal, options, attestation }: Parts,
  http: HttpServer,
  ending: AbortController,
  working: Promise<void>,
): Promise<void> {
  station.stopping = true;
  const { member } = station;
  options.log.info({}, "stopping: no further requests are taken");
  await Promise.all([http.close(), member?.stepDown(handOverMsMax)]);
  ending.abort(new Error("the node is stopping"));
  await working;
  await member?.stop();
  await member?.peers()?.close();
  attestation?.close();
  await journal.close();
}
