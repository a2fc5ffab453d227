/**
 * One member at work: the core, the application, the clients' calls and the effects, joined.
 *
 * Safety assumes: the journal keeps what it calls durable, until a restart makes it a mere cache.
 * Liveness assumes: a quorum of members can reach each other.
 */
import type { Promised } from "../consensus/effect.ts";
import type { Boot } from "../consensus/ids.ts";
import type { Message } from "../consensus/message.ts";
import { boot, type Replica, type Setup } from "../consensus/replica.ts";
import { memberOf } from "../consensus/roster.ts";
import { CallError, type Calls, createCalls } from "./calls.ts";
import { createPetitioner } from "./petitions.ts";
import type {
  CallFault,
  Chain,
  ChainView,
  Count,
  Journal,
  JournalHealth,
  Log,
  PeerEvents,
  PeerRequest,
  PeerResponse,
  Peers,
  RecoverVoter,
  SignVote,
} from "./ports.ts";
import { createReplicated, type Replicated } from "./replicated.ts";
import { type Outward, type Runner, startRunner } from "./runner.ts";

export type MemberOptions = {
  readonly setup: Setup;
  readonly journal: Journal;
  readonly chain: Chain;
  readonly signVote: SignVote;
  readonly recoverVoter: RecoverVoter;
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
  readonly replicated: Replicated;
  readonly peerEvents: PeerEvents;
  attach(peers: Peers): void;
  peers(): Peers | null;
  onView(view: ChainView): void;
  onRegistered(): void;
  chainView(): { readonly view: ChainView; readonly readAtMs: number } | null;
  nowMs(): number;
  disk(): JournalHealth;
  /** Hands over when leading; resolves when the chain took it or `msMax` passed. */
  stepDown(msMax: number): Promise<void>;
  stop(): Promise<void>;
};

/** EX_TEMPFAIL: start again as a new boot. */
export const exitReplaced = 75;
/** EX_SOFTWARE: an invariant is broken; starting again would not mend it. */
export const exitInvariant = 70;

const tickMs = 20;
const now = () => performance.now();

export function startMember(options: MemberOptions): Member {
  const { journal, setup, log, count } = options;
  let peers: Peers | null = null;
  let chainView: { view: ChainView; readAtMs: number } | null = null;
  const { recovered } = journal;
  const replicated = createReplicated(recovered.snapshot);
  const limits = {
    commandMsMax: options.callMsMax,
    readMsMax: options.callMsMax,
    waitingMax: options.waitingMax,
  };
  const calls = createCalls(limits, now);
  const petitioner = createPetitioner({
    ...options,
    input: (input) => runner.input(input),
  });
  const runner = startRunner({
    replica: boot(setup, recovered, now()),
    journal,
    send: ({ to, message }) => peers?.send(to, message),
    perform: (effect, replica) => perform(effect, replica),
    clock: () => ({ monotonicMs: now(), wallMs: Date.now() }),
    tickMs,
    onDefect: (error) => {
      log.error({ error: describe(error) }, "a defect: the node stops rather than go on wrong");
      options.onHalt(exitInvariant, `defect: ${describe(error)}`);
    },
  });
  noteRecovered(log, recovered.promised, runner.replica());
  const sweeping = setInterval(() => calls.sweep(), 100);
  sweeping.unref();

  function perform(effect: Outward, replica: Replica): void {
    switch (effect.kind) {
      case "commit":
        replicated.commit(effect.entries, calls.onOutcome);
        calls.onApplied(replicated.appliedIndex());
        captureState();
        return;
      case "restore":
        replicated.restore(effect.snapshot);
        calls.onApplied(replicated.appliedIndex());
        return;
      case "appended":
        return calls.onAppended(effect);
      case "declined":
        return calls.onDeclined(effect);
      case "read-ready":
        return calls.onReadReady(effect);
      case "refresh-view":
        return options.refreshView();
      case "note":
        return log.info({ event: effect.event, ...effect.detail }, effect.event);
      case "halt":
        log.error({ reason: effect.reason }, effect.detail);
        return options.onHalt(
          effect.reason === "replaced" ? exitReplaced : exitInvariant,
          effect.detail,
        );
      default:
        if (replica.view !== null) petitioner.carryOut(effect, replica.view);
    }
  }

  function captureState(): void {
    const captured = replicated.capture(options.snapshotEvery);
    if (captured !== null) runner.input({ kind: "state-captured", ...captured });
  }

  /** A vote is believed only with its member's own signature: checked here, at the door. */
  async function receiveVote(
    from: Boot,
    message: Extract<Message, { kind: "no-confidence" }>,
  ): Promise<void> {
    const { view } = runner.replica();
    const seat = view === null ? undefined : memberOf(view.roster, message.successor);
    if (view === null || seat === undefined || view.term < message.term) {
      return options.refreshView();
    }
    const { term, deadline, signature } = message;
    const signer = await options.recoverVoter(
      { term, deadline, successorSlot: seat.slot },
      signature,
    );
    if (signer === from.member) runner.input({ kind: "received", from, message });
    else count("peer_rejected_total", { reason: "vote-signature" });
  }

  const peerEvents: PeerEvents = {
    connected: (to) => runner.input({ kind: "connected", boot: to }),
    disconnected: (to) => runner.input({ kind: "disconnected", boot: to }),
    message(from, message) {
      if (message.kind !== "no-confidence") runner.input({ kind: "received", from, message });
      else
        receiveVote(from, message).catch((error) => log.warn({ error: describe(error) }, "vote"));
    },
    request: (_from, request) => answer(runner, calls, request),
  };

  return {
    runner,
    calls,
    replicated,
    peerEvents,
    attach(opened) {
      peers = opened;
    },
    peers: () => peers,
    onView(view) {
      chainView = { view, readAtMs: now() };
      peers?.setRoster(
        [...view.members, ...view.pending]
          .filter(({ id }) => id !== setup.self.member)
          .map(({ id, peerEndpoint }) => ({ member: id, peerEndpoint })),
      );
      runner.input({ kind: "view", view: view.view });
    },
    onRegistered: () => runner.input({ kind: "registered" }),
    chainView: () => chainView,
    nowMs: now,
    disk: () => journal.health(),
    async stepDown(msMax) {
      runner.input({ kind: "step-down" });
      await new Promise((resolve) => setImmediate(resolve));
      await Promise.race([petitioner.settled(), pause(msMax)]);
    },
    async stop() {
      clearInterval(sweeping);
      calls.abandon();
      await runner.stop();
    },
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
    if (error instanceof CallError) return { kind: "failed", fault: error.fault as CallFault };
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

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
