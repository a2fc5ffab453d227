/**
 * One member at work: the core, the application, the clients' calls and the effects, joined.
 *
 * Safety assumes: the journal keeps what it calls durable, until a restart makes it a mere cache.
 * Liveness assumes: a quorum of members can reach each other.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Promised } from "../consensus/effect.ts";
import type { Boot, BootKey, MemberId } from "../consensus/ids.ts";
import type { Message } from "../consensus/message.ts";
import { membersInPlay } from "../consensus/peers.ts";
import { boot, type Replica, type Setup } from "../consensus/replica.ts";
import { CallError, type Calls, createCalls } from "./calls.ts";
import { serving } from "./leading.ts";
import { createPassedOn, type PassedOn } from "./passedOn.ts";
import { createPerformer, exitInvariant } from "./perform.ts";
import { createPetitioner } from "./petitions.ts";
import type {
  Chain,
  ChainView,
  Count,
  Journal,
  JournalHealth,
  Log,
  PeerAddress,
  PeerEvents,
  PeerRequest,
  PeerResponse,
  Peers,
  RecoverVoter,
  RecoverVoucher,
  SignCheckpoint,
  SignVote,
} from "./ports.ts";
import { createReceipts, type Receipts } from "./receipts.ts";
import { createReplicated, type Replicated } from "./replicated.ts";
import { type Runner, startRunner } from "./runner.ts";
import { createSight, type Sight } from "./sight.ts";
import { createVoteDoor } from "./voteDoor.ts";

export type MemberOptions = {
  readonly setup: Setup;
  readonly journal: Journal;
  readonly chain: Chain;
  readonly signVote: SignVote;
  readonly recoverVoter: RecoverVoter;
  readonly signCheckpoint: SignCheckpoint;
  readonly recoverVoucher: RecoverVoucher;
  readonly refreshView: () => void;
  readonly snapshotEvery: number;
  readonly callMsMax: number;
  readonly waitingMax: number;
  readonly log: Log;
  readonly count: Count;
  /** This process must end: with which exit code, and why. */
  readonly onHalt: (exitCode: number, why: string) => void;
};

export type Member = {
  readonly runner: Runner;
  readonly calls: Calls;
  readonly passedOn: PassedOn;
  readonly replicated: Replicated;
  readonly receipts: Receipts;
  readonly peerEvents: PeerEvents;
  attach(peers: Peers): void;
  peers(): Peers | null;
  onView(view: ChainView): void;
  onRegistered(): void;
  /** All boots that attestation refuses now. */
  onRefused(refused: readonly BootKey[]): void;
  /** Boots with a channel, on the roster, waiting for a place there, or speaking for a member. */
  bootsInUse(): ReadonlySet<BootKey>;
  readonly chainView: Sight["chainView"];
  readonly removal: Sight["removal"];
  disk(): JournalHealth;
  /** Hands over when leading; resolves when the chain took it or `msMax` passed. */
  stepDown(msMax: number): Promise<void>;
  stop(): Promise<void>;
};

const tickMs = 20;
const sweepMs = 100;
const now = () => performance.now();

export function startMember(options: MemberOptions): Member {
  const { journal, setup, log, chain, recoverVoucher } = options;
  const { recovered } = journal;
  let peers: Peers | null = null;
  const [sight, peerEndpoints] = [createSight(setup.self.member), new Map<MemberId, string>()];
  const replicated = createReplicated(recovered.snapshot, setup.digest);
  const { callMsMax, waitingMax } = options;
  const calls = createCalls({ commandMsMax: callMsMax, readMsMax: callMsMax, waitingMax }, now);
  const passedOn = createPassedOn(now);
  const petitioner = createPetitioner({ ...options, input: (input) => runner.input(input) });
  const runner = startRunner({
    replica: boot(setup, recovered, now()),
    journal,
    send: ({ to, message }) => peers?.send(to, message),
    perform: createPerformer({
      ...options,
      replicated,
      calls,
      petitioner,
      input: (input) => runner.input(input),
    }),
    uncommitted: calls.uncommitted,
    clock: () => ({ monotonicMs: now(), wallMs: Date.now() }),
    tickMs,
    onDefect: (error) => {
      log.error({ error: describe(error) }, "a defect: the node stops rather than go on wrong");
      options.onHalt(exitInvariant, `defect: ${describe(error)}`);
    },
  });
  noteRecovered(log, recovered.promised, runner.replica());
  const sweeping = setInterval(() => sweep(runner, [calls, passedOn]), sweepMs);

  return {
    runner,
    calls,
    passedOn,
    replicated,
    receipts: createReceipts({ replica: runner.replica, recoverVoucher, cluster: chain }),
    peerEvents: peerEventsFor(runner, calls, options),
    attach(opened) {
      peers = opened;
    },
    peers: () => peers,
    onView(view) {
      sight.note(view, now());
      for (const { id, peerEndpoint } of [...view.members, ...view.pending]) {
        peerEndpoints.set(id, peerEndpoint);
      }
      peers?.setRoster(addressesOf(view, runner.replica(), peerEndpoints));
      runner.input({ kind: "view", view: view.view });
    },
    onRegistered: () => runner.input({ kind: "registered" }),
    onRefused(refused) {
      // Before their channels go: what follows from that should find them refused.
      runner.input({ kind: "attested", refused });
      peers?.drop(refused);
    },
    bootsInUse: () => bootsInUse(runner.replica()),
    chainView: sight.chainView,
    removal: sight.removal,
    disk: () => journal.health(),
    stepDown: (msMax) => stepDown(runner, petitioner.settled, msMax),
    async stop() {
      clearInterval(sweeping);
      calls.abandon();
      await runner.stop();
    },
  };
}

function sweep(runner: Runner, calls: readonly Pick<Calls, "sweep">[]): void {
  const leader = serving(runner.replica());
  for (const each of calls) each.sweep(leader);
}

/**
 * Whom to have a channel to: members, who waits to become one, and who no longer is one while the
 * log does not show that the change is committed. Until then their promises and acks are needed.
 */
function addressesOf(
  { members, pending }: ChainView,
  replica: Replica,
  endpoints: ReadonlyMap<MemberId, string>,
): readonly PeerAddress[] {
  const listed = [...members, ...pending].map(({ id }) => id);
  const wanted = new Set([...listed, ...membersInPlay(replica)]);
  wanted.delete(replica.setup.self.member);
  return [...wanted].flatMap((member) => {
    const peerEndpoint = endpoints.get(member);
    return peerEndpoint === undefined ? [] : [{ member, peerEndpoint }];
  });
}

async function stepDown(
  runner: Runner,
  settled: () => Promise<unknown>,
  msMax: number,
): Promise<void> {
  runner.input({ kind: "step-down" });
  await new Promise((resolve) => setImmediate(resolve));
  await Promise.race([settled(), pause(msMax, undefined, { ref: false })]);
}

function bootsInUse({ setup, peers, seats, view }: Replica): ReadonlySet<BootKey> {
  const channels = [...peers.values()].filter(({ connected }) => connected);
  const listed = [...(view?.roster.members ?? []), ...(view?.pending ?? [])];
  return new Set([
    setup.self.bootKey,
    ...channels.map(({ boot }) => boot.bootKey),
    ...listed.map(({ bootKey }) => bootKey),
    ...seats.valid.values(),
    ...seats.outgoing.values(),
  ]);
}

function peerEventsFor(runner: Runner, calls: Calls, options: MemberOptions): PeerEvents {
  const { log } = options;
  const deliver = (from: Boot, message: Message) =>
    runner.input({ kind: "received", from, message });
  const door = createVoteDoor({ ...options, deliver, view: () => runner.replica().view });
  return {
    connected: (to) => runner.input({ kind: "connected", boot: to }),
    disconnected: (to) => runner.input({ kind: "disconnected", boot: to }),
    message(from, message) {
      if (message.kind !== "no-confidence") deliver(from, message);
      else door(from, message).catch((error) => log.warn({ error: describe(error) }, "vote"));
    },
    request: (_from, request) => answer(runner, calls, request),
  };
}

/** A client's call that another member passed on: this node must lead. */
async function answer(runner: Runner, calls: Calls, request: PeerRequest): Promise<PeerResponse> {
  try {
    if (request.kind === "read-index") {
      const ready = await calls.read((ticket) => runner.read(ticket));
      return { kind: "read-index", ...ready };
    }
    const { index, term, result } = await calls.command((ticket) =>
      runner.propose(ticket, request.payload),
    );
    return { kind: "committed", index, term, result: Buffer.from(result, "latin1") };
  } catch (error) {
    if (error instanceof CallError) return { kind: "failed", fault: error.fault };
    throw error;
  }
}

function noteRecovered(log: Log, promised: Promised | null, { log: entries }: Replica): void {
  log.info(
    {
      firstIndex: entries.before.index + 1,
      lastIndex: entries.last.index,
      lastTerm: entries.last.term,
      promisedTerm: promised?.term ?? 0,
    },
    "the disk is a cache: this boot counts once it has rejoined",
  );
}

export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
