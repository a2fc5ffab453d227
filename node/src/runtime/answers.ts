/** The node's `Service`: clients' calls, answered here or by the leader. */

import { counter } from "../application/counter/counter.ts";
import { encodeIncrement } from "../application/envelope.ts";
import type { Boot, Term } from "../consensus/ids.ts";
import { ClusterError } from "../errors.ts";
import { CallError, type ReadIndex } from "./calls.ts";
import { leads, servingLeader } from "./leading.ts";
import type { Member } from "./member.ts";
import { memberStatuses } from "./memberReport.ts";
import { oncePerTurn } from "./oncePerTurn.ts";
import type { PeerFault, PeerResponse } from "./ports.ts";
import { healthOf, leaderOf, recordOf, statusOf } from "./report.ts";
import type { Attestation, Committed, CounterRead, Service } from "./service.ts";
import type { Station } from "./station.ts";

export type AnswersOptions = {
  readonly station: Station;
  readonly nowMs: () => number;
  readonly callMsMax: number;
  /** Writes are refused while the view of the chain is older than this; null: never. */
  readonly chainLagMsMax: number | null;
  readonly attest: (nonce: string | null) => Promise<Attestation>;
  readonly metrics: () => Promise<string>;
};

type Placed = { readonly index: number; readonly term: Term; readonly result: string };

export function createService(options: AnswersOptions): Service {
  const { station, nowMs } = options;
  // Of a crowd of reads, each would cost the leader and this node a message and its answer.
  const readIndex = oncePerTurn(() => askReadIndex(options, working(station)));
  return {
    increment: (request) => increment(options, request),
    counter: (consistency) =>
      consistency === "local"
        ? Promise.resolve().then(() => localRead(options))
        : linearizableRead(options, readIndex),
    status: () => statusOf(station, nowMs()),
    members: () => memberStatuses(station, nowMs()),
    log(from, limit) {
      const member = working(station);
      return member.replicated.page(member.runner.replica(), from, limit);
    },
    receipt: async (index) => working(station).receipts.of(index),
    health: () => healthOf(station, nowMs()),
    attestation: options.attest,
    metrics: options.metrics,
  };
}

type Increment = Parameters<Service["increment"]>[0];

async function increment(
  options: AnswersOptions,
  { by, idempotencyKey, forward }: Increment,
): Promise<Committed<number> & { leader: string }> {
  const member = working(options.station);
  refuseOnChainLag(options, member);
  const payload = encodeIncrement(by, idempotencyKey);
  const placed = leads(member.runner.replica())
    ? await member.calls.command((ticket) => member.runner.propose(ticket, payload))
    : await passOn(options, member, payload, forward);
  const view = member.chainView()?.view ?? null;
  const leader = leaderOf(member.runner.replica(), view);
  return {
    value: JSON.parse(placed.result) as number,
    term: placed.term,
    index: placed.index,
    leader: leader?.endpoint ?? "",
  };
}

async function passOn(
  options: AnswersOptions,
  member: Member,
  payload: Uint8Array,
  forward: boolean,
): Promise<Placed> {
  const leader = requireLeader(member);
  if (!forward) throw elsewhere(member);
  const response = await ask(options, member, leader, { kind: "command", payload });
  if (response.kind !== "committed") throw unexpected(response, "committed");
  const { index, term, result } = response;
  return { index, term, result: Buffer.from(result).toString("latin1") };
}

async function linearizableRead(
  options: AnswersOptions,
  readIndex: () => Promise<ReadIndex>,
): Promise<CounterRead> {
  const member = working(options.station);
  const ready = leads(member.runner.replica())
    ? await member.calls.read((ticket) => member.runner.read(ticket))
    : await readIndex();
  await member.calls.applied(ready.index);
  return read(options, member, "linearizable");
}

async function askReadIndex(options: AnswersOptions, member: Member): Promise<ReadIndex> {
  const response = await ask(options, member, requireLeader(member), { kind: "read-index" });
  if (response.kind !== "read-index") throw unexpected(response, "read-index");
  return response;
}

function localRead(options: AnswersOptions): CounterRead {
  return read(options, working(options.station), "local");
}

function read(
  { nowMs }: AnswersOptions,
  member: Member,
  consistency: CounterRead["consistency"],
): CounterRead {
  const replica = member.runner.replica();
  const { following, office, promised } = replica;
  const heardMs = leads(replica) ? nowMs() : (following?.heardMs ?? null);
  return {
    value: counter.query(member.replicated.machine().states.counter, "value"),
    term: office?.term ?? following?.term ?? promised?.term ?? 0,
    index: member.replicated.appliedIndex(),
    consistency,
    ageMs: heardMs === null ? Math.round(nowMs()) : Math.max(0, Math.round(nowMs() - heardMs)),
  };
}

/** Asks the leader's live boot; a lost channel leaves a command's fate open. */
async function ask(
  { callMsMax }: AnswersOptions,
  member: Member,
  leader: Boot,
  request: Parameters<NonNullable<ReturnType<Member["peers"]>>["request"]>[1],
): Promise<PeerResponse> {
  const peers = member.peers();
  if (peers === null) throw noLeader("the peer channel is not open yet");
  try {
    const answer = peers.request(leader, request, callMsMax);
    return await member.passedOn.until(leader.bootKey, answer);
  } catch (error) {
    throw asCallError(error, request.kind);
  }
}

function asCallError(error: unknown, kind: "command" | "read-index"): unknown {
  if (!(error instanceof ClusterError)) return error;
  if (error instanceof CallError) {
    return kind === "command" ? error : noLeader("another leader took over before the answer");
  }
  const fault = error.fault as PeerFault;
  if (fault.code === "peer.unreachable") return noLeader("the leader cannot be reached");
  if (kind === "read-index") {
    const waitedMs = fault.code === "peer.timeout" ? fault.waitedMs : 0;
    return new CallError({ code: "read.timeout", waitedMs }, "the leader did not confirm in time");
  }
  return fault.code === "peer.timeout"
    ? new CallError({ code: "commit.timeout", waitedMs: fault.waitedMs }, "no answer in time")
    : new CallError({ code: "leader.lost" }, "the channel to the leader broke before its answer");
}

function unexpected(response: PeerResponse, wanted: string): Error {
  if (response.kind === "failed") return new CallError(response.fault, "the leader declined");
  return new Error(`the leader answered ${response.kind} where ${wanted} was expected`);
}

function requireLeader(member: Member): Boot {
  const replica = member.runner.replica();
  const { following } = replica;
  if (servingLeader(replica) === null || following === null) {
    throw noLeader("no active leader is known");
  }
  return following.leader;
}

function elsewhere(member: Member): CallError {
  const view = member.chainView()?.view ?? null;
  const leader = recordOf(view, servingLeader(member.runner.replica()));
  const leaderUrl = leader?.endpoint ?? "";
  return new CallError({ code: "leader.elsewhere", leaderUrl }, "this node does not lead");
}

function noLeader(why: string): CallError {
  return new CallError({ code: "leader.unknown" }, why);
}

function working(station: Station): Member {
  if (station.stopping) throw unavailable("the node is stopping");
  const { member } = station;
  if (member === null)
    throw unavailable(`the node is starting: it waits for ${station.waitingFor}`);
  return member;
}

function refuseOnChainLag({ chainLagMsMax, nowMs }: AnswersOptions, member: Member): void {
  const known = member.chainView();
  if (chainLagMsMax === null || known === null) return;
  const ageMs = Math.round(nowMs() - known.readAtMs);
  if (ageMs <= chainLagMsMax) return;
  throw unavailable(`the view of the chain is ${ageMs} ms old, more than ${chainLagMsMax}`);
}

function unavailable(reason: string): CallError {
  return new CallError({ code: "node.unavailable", reason }, reason);
}
