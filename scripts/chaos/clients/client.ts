/**
 * A client: one operation after the other, at nodes of its choice. An increment under a key is made
 * again, at another node, until it is acknowledged; one without a key never.
 */
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Random } from "../../../test/simulation/random.ts";
import type { Operation, OperationKind, Recorder } from "../history.ts";
import type { SubjectNode } from "../subject.ts";
import { type Call, call, type Reply } from "./call.ts";

export type Caller = {
  readonly client: number;
  readonly nodes: readonly SubjectNode[];
  readonly recorder: Recorder;
};

export type ClientOptions = Caller & {
  readonly random: Random;
  /** Between operations, on average. */
  readonly pauseMs: number;
  /** Ends it after the operation under way. */
  readonly signal: AbortSignal;
};

type Wanted = Pick<Operation, "kind" | "by" | "key">;
type Progress = {
  readonly node: number;
  readonly askedNs: number;
  readonly attempts: number;
  readonly reply: Reply;
  /** Some attempt before may have happened. */
  readonly doubtful: boolean;
};

const attemptTimeoutMs = 3_000;
const retryPauseMs = 30;
/** An increment that nobody acknowledged by then is given up, its fate unknown. */
const patienceMs = 20_000;
/** How often what a client does is which. */
const mix: readonly (readonly [OperationKind | "keyless", number])[] = [
  ["increment", 0.55],
  ["keyless", 0.1],
  ["repeat", 0.05],
  ["read", 0.2],
  ["local-read", 0.1],
];
const answerSchema = z.object({ value: z.number(), term: z.number(), index: z.number() });

export async function runClient(options: ClientOptions): Promise<void> {
  const { random, signal, pauseMs } = options;
  let last: Wanted | null = null;
  let node = random.integer(0, options.nodes.length - 1);
  while (!signal.aborted) {
    if (random.chance(0.3)) node = random.integer(0, options.nodes.length - 1);
    const wanted = draw(options, last);
    const done = await carryOut(options, wanted, node);
    if (done.outcome === "ok" && done.kind === "increment" && done.key !== null) last = wanted;
    node = done.outcome === "ok" ? done.node : (done.node + 1) % options.nodes.length;
    const ms = done.outcome === "ok" ? pauseMs * 2 * random.float() : retryPauseMs;
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }
}

function draw({ random, recorder }: ClientOptions, last: Wanted | null): Wanted {
  let at = random.float();
  const [kind] = mix.find(([, share]) => {
    at -= share;
    return at < 0;
  }) ?? ["read"];
  switch (kind) {
    case "read":
    case "local-read":
      return { kind, by: null, key: null };
    case "repeat":
      return last === null ? { kind: "read", by: null, key: null } : { ...last, kind };
    case "keyless":
      return { kind: "increment", by: recorder.nextId(), key: null };
    default: {
      const by = recorder.nextId();
      return { kind, by, key: `chaos-${by}` };
    }
  }
}

/** One increment at that node, under a key. */
export async function incrementOnce(options: Caller, node: number): Promise<void> {
  const by = options.recorder.nextId();
  await carryOut(options, { kind: "increment", by, key: `chaos-${by}` }, node);
}

async function carryOut(options: Caller, wanted: Wanted, at: number): Promise<Operation> {
  const { recorder, client } = options;
  const [id, invokedNs] = [recorder.nextId(), recorder.nowNs()];
  const { node, askedNs, attempts, reply, doubtful } = await persist(options, wanted, at);
  const answer = reply.outcome === "ok" ? answerSchema.parse(reply.body) : null;
  const operation: Operation = {
    id,
    client,
    ...wanted,
    invokedNs,
    completedNs: recorder.nowNs(),
    outcome: reply.outcome === "failed" && doubtful ? "unknown" : reply.outcome,
    value: answer?.value ?? null,
    index: answer?.index ?? null,
    term: answer?.term ?? null,
    node,
    askedNs,
    attempts,
    error: reply.outcome === "ok" ? null : reply.error,
  };
  recorder.add(operation);
  return operation;
}

async function persist(options: Caller, wanted: Wanted, at: number): Promise<Progress> {
  const { nodes, recorder } = options;
  const until = performance.now() + patienceMs;
  let node = at;
  let doubtful = false;
  for (let attempts = 1; ; attempts += 1) {
    const askedNs = recorder.nowNs();
    const reply = await call(callOf(wanted, nodes[node]?.url ?? ""));
    const over = wanted.key === null || performance.now() > until;
    if (reply.outcome === "ok" || over) return { node, askedNs, attempts, reply, doubtful };
    doubtful ||= reply.outcome === "unknown";
    node = (node + 1) % nodes.length;
    await delay(retryPauseMs);
  }
}

function callOf({ kind, by, key }: Wanted, url: string): Call {
  const timeoutMs = attemptTimeoutMs;
  if (by === null) {
    const consistency = kind === "local-read" ? "local" : "linearizable";
    const path = `/counter?consistency=${consistency}`;
    return { url: `${url}${path}`, method: "GET", headers: {}, body: null, timeoutMs };
  }
  const headers = {
    "content-type": "application/json",
    ...(key === null ? {} : { "idempotency-key": key }),
  };
  const body = JSON.stringify({ by });
  return { url: `${url}/increment`, method: "POST", headers, body, timeoutMs };
}
