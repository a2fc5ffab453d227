/** Changes of a running cluster's members: one at a time, whoever asks for them. */
import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "../context.ts";
import { ChangeError, reasonOf } from "../failure.ts";
import { nodeName } from "../node.ts";
import { blocksMs } from "../nodes.ts";
import { linesAbout, type Patience } from "./change.ts";
import { createDepartures, type Departure, type Departures } from "./departures.ts";
import { join } from "./join.ts";
import { operatorOf } from "./operator.ts";
import { enrolNode, requireNode } from "./roll.ts";

export type ChangeOptions = {
  /** How long to wait for its end; it goes on afterwards. By default 60 s, more with slow blocks. */
  readonly timeoutMs?: number | null | undefined;
  /** Whoever asked no longer waits: as if the time were over. */
  readonly abandoned?: AbortSignal | undefined;
  /** Told each step, for a person. */
  readonly tell?: ((line: string) => void) | undefined;
};
export type LeaveOptions = ChangeOptions & {
  /** For a node that is no member any more: ends its process and strikes it off the record. */
  readonly forget?: boolean;
};

/** Methods that return a promise reject with ChangeError. */
export type Changes = {
  /** @returns the new node's number, once it serves as a member */
  join(options: ChangeOptions): Promise<number>;
  leave(number: number, options: LeaveOptions): Promise<void>;
  /** Goes on with departures that an earlier starter began. */
  resume(): void;
  /** The cluster stops: whoever waits for a change is told so. */
  close(): void;
};

const defaultTimeoutMs = 60_000;

export function createChanges(context: Context): Changes {
  const ending = new AbortController();
  const { signal } = ending;
  const departures = createDepartures(context, signal);
  const alone = oneAtATime(signal);
  return {
    join: (options) =>
      alone("a node joins", (rename) => joinNode(context, options, signal, rename)),
    leave: (number, options) =>
      alone(`${nodeName(number)} leaves`, () => leaveNode(context, departures, number, options)),
    resume() {
      for (const { number, wallet, leaving } of context.record().nodes) {
        if (leaving && wallet !== null) departures.of(number, wallet);
      }
    },
    close: () => ending.abort(new ChangeError("the cluster is stopping")),
  };
}

/** @param rename says better what goes on, once it is known */
type Act<Result> = (rename: (what: string) => void) => Promise<Result>;

function oneAtATime(signal: AbortSignal) {
  let current: string | null = null;
  const ended = endOf(signal);
  const rename = (what: string) => {
    current = what;
  };
  return async <Result>(what: string, act: Act<Result>): Promise<Result> => {
    if (current !== null) {
      throw new ChangeError(`one change at a time: ${current} now; try again once that is over`);
    }
    current = what;
    try {
      return await Promise.race([act(rename), ended]);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw error instanceof ChangeError
        ? error
        : new ChangeError(reasonOf(error), { cause: error });
    } finally {
      current = null;
    }
  };
}

/** Rejects then, so that nobody who waits for a change holds up the cluster's end. */
function endOf(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  signal.addEventListener("abort", () => reject(signal.reason));
  return promise;
}

async function joinNode(
  context: Context,
  options: ChangeOptions,
  signal: AbortSignal,
  rename: (what: string) => void,
): Promise<number> {
  const number = await enrolNode(context);
  rename(`${nodeName(number)} joins`);
  const say = linesAbout(number, (line) => {
    context.report(line);
    options.tell?.(line);
  });
  await join({ context, number, say, signal }, patienceOf(context, options));
  return number;
}

async function leaveNode(
  context: Context,
  departures: Departures,
  number: number,
  options: LeaveOptions,
): Promise<void> {
  const { wallet } = requireNode(context, number);
  if (wallet === null) throw new ChangeError(`${nodeName(number)} has no wallet yet: it joins`);
  if (!departures.isUnderWay(number)) {
    await requireLeavable(context, number, wallet, options.forget ?? false);
  }
  const departure = departures.of(number, wallet);
  const tell = options.tell ?? (() => undefined);
  if (departure.lastText() !== "") linesAbout(number, tell)(departure.lastText());
  const unfollow = departure.follow(tell);
  try {
    await waitFor(departure, patienceOf(context, options), nodeName(number));
  } finally {
    unfollow();
  }
}

async function waitFor(departure: Departure, patience: Patience, name: string): Promise<void> {
  const { timeoutMs, abandoned } = patience;
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, abandoned]);
  const late = delay(timeoutMs, "late", { signal }).catch(() => "late");
  try {
    if ((await Promise.race([departure.done, late])) !== "late") return;
    throw new ChangeError(
      `${name} has not left after ${timeoutMs / 1_000} s (${departure.lastText()}); the request ` +
        "stands on the chain: once it is removed, its process is ended too",
    );
  } finally {
    over.abort();
  }
}

async function requireLeavable(
  context: Context,
  number: number,
  wallet: string,
  forget: boolean,
): Promise<void> {
  const operator = operatorOf(context);
  const { members, pending } = await operator.membership();
  const name = nodeName(number);
  if (members.some((seat) => seat.wallet === wallet)) {
    const stay = members.filter(
      (seat) => seat.wallet !== wallet && !seat.departing && !seat.revoked,
    );
    if (stay.length > 0) return;
    throw new ChangeError(
      `${name} is the last member that stays; \`npm run stop\` ends the whole cluster`,
    );
  }
  if (forget || pending.some((seat) => seat.wallet === wallet)) return;
  const { standing } = await operator.node(wallet);
  throw new ChangeError(
    `${name} is not a member (the contract says: ${standing}); --forget ends its process and ` +
      "strikes it off the record",
  );
}

function patienceOf(context: Context, options: ChangeOptions): Patience {
  const { timeoutMs, abandoned = new AbortController().signal } = options;
  return { timeoutMs: timeoutMs ?? defaultTimeoutMs + blocksMs(context), abandoned };
}
