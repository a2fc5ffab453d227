/** One run: clients, observers and nemesis on a subject; then what they saw, complete. */
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { randomOf } from "../../test/simulation/random.ts";
import { call } from "./clients/call.ts";
import { incrementOnce, runClient } from "./clients/client.ts";
import { createRecorder, type Recorder } from "./history.ts";
import type { Evidence, Final } from "./judge/judge.ts";
import { type NemesisOutcome, runNemesis } from "./nemesis.ts";
import { createLogs, type LogEntry, type Logs } from "./observe/logs.ts";
import { type Sample, type Watch, watchNodes } from "./observe/watch.ts";
import { watchWellness } from "./observe/wellness.ts";
import type { Planned } from "./schedule/schedule.ts";
import type { Subject, SubjectNode } from "./subject.ts";

export type RunOptions = {
  readonly subject: Subject;
  readonly schedule: readonly Planned[];
  readonly seed: number;
  readonly clientCount: number;
  /** Of each client, between operations, on average. */
  readonly pauseMs: number;
  /** The clients go on at least so long. */
  readonly durationMs: number;
  readonly onProgress: (progress: Progress) => void;
  /** Ends the run early; it is judged all the same. */
  readonly signal: AbortSignal;
};

export type Progress = {
  readonly elapsedMs: number;
  readonly counts: ReturnType<Recorder["counts"]>;
  readonly leader: number | null;
  readonly term: number;
  readonly fault: Planned | null;
};

export type Run = {
  readonly evidence: Evidence;
  readonly samples: readonly Sample[];
  /** While clients ran. */
  readonly lengthNs: number;
};

const progressEveryMs = 250;
const logsEveryMs = 500;
const wellAtFirstMs = 60_000;
const settleMs = 60_000;

export async function run(options: RunOptions): Promise<Run> {
  const { subject, durationMs, signal } = options;
  const { nodes } = subject;
  const recorder = createRecorder();
  const watch = watchNodes(nodes, recorder.nowNs);
  const logs = createLogs(nodes);
  const ending = new AbortController();
  const clients = startClients(options, recorder, ending.signal);
  const reading = keepReading(logs, ending.signal);
  const write = writerOf(options, recorder);
  const beganMs = performance.now();

  const readLogs = () => logs.readAll(false);
  const outcome = await strikeAll(options, { recorder, watch, write: write.begin, readLogs });
  const leftMs = outcome.stuck === null ? durationMs - (performance.now() - beganMs) : 0;
  await delay(Math.max(0, leftMs), undefined, { signal }).catch(() => undefined);

  ending.abort();
  await Promise.all([...clients, write.settled()]);
  const lengthNs = recorder.nowNs();
  await reading;
  const finals = await finalsOf(nodes, logs);
  await logs.readAll(true);
  await watch.stop();
  const evidence: Evidence = {
    ...outcome,
    ...(await subject.evidence()),
    operations: recorder.operations,
    entries: logs.entries(),
    conflicts: logs.conflicts,
    finals,
  };
  return { evidence, samples: watch.samples, lengthNs };
}

function startClients(
  { subject, seed, clientCount, pauseMs }: RunOptions,
  recorder: Recorder,
  signal: AbortSignal,
): readonly Promise<void>[] {
  const { nodes } = subject;
  const random = randomOf(seed);
  return Array.from({ length: clientCount }, (_, client) =>
    runClient({ client, nodes, recorder, random: random.fork(client + 1), pauseMs, signal }),
  );
}

type Watching = {
  readonly recorder: Recorder;
  readonly watch: Watch;
  readonly write: (node: number) => void;
  readonly readLogs: () => Promise<void>;
};

/** Carries the schedule out on a cluster that is well, and tells how it goes. */
async function strikeAll(options: RunOptions, watching: Watching): Promise<NemesisOutcome> {
  const { subject, schedule, onProgress, signal } = options;
  const { recorder, watch } = watching;
  const wellness = watchWellness(subject.nodes, recorder);
  const beganMs = performance.now();
  let fault: Planned | null = null;
  const telling = setInterval(() => {
    const leader = watch.leader();
    const term = leader === null ? 0 : (watch.latest(leader)?.term ?? 0);
    const elapsedMs = performance.now() - beganMs;
    onProgress({ elapsedMs, counts: recorder.counts(), leader, term, fault });
  }, progressEveryMs);
  const onStrike = (planned: Planned | null) => {
    fault = planned;
  };
  try {
    if (!(await wellness.becomesWell(wellAtFirstMs))) {
      return { strikes: [], stuck: `before any fault: ${await wellness.why()}` };
    }
    return await runNemesis({ ...watching, subject, schedule, wellness, onStrike, signal });
  } finally {
    clearInterval(telling);
  }
}

async function keepReading(logs: Logs, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await logs.readAll(false);
    await delay(logsEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Writes that a fault asks for, recorded like any client's; each has a client of its own. */
function writerOf({ subject, clientCount }: RunOptions, recorder: Recorder) {
  const pending: Promise<void>[] = [];
  return {
    begin(node: number): void {
      const client = clientCount + pending.length;
      pending.push(incrementOnce({ client, nodes: subject.nodes, recorder }, node));
    },
    settled: async () => void (await Promise.all(pending)),
  };
}

const statusSchema = z.object({
  appliedIndex: z.number(),
  checkpoint: z.object({ index: z.number() }).nullable(),
});
const receiptSchema = z.object({
  checkpoint: z.object({ index: z.number(), logRoot: z.string(), stateHash: z.string() }),
});
const counterSchema = z.object({ value: z.number() });

/** Once the clients are silent: waits until all nodes hold the same, if they ever do. */
async function finalsOf(nodes: readonly SubjectNode[], logs: Logs): Promise<readonly Final[]> {
  const until = performance.now() + settleMs;
  for (;;) {
    await logs.readAll(false);
    const finals = await Promise.all(nodes.map(finalOf));
    const last = logs.entries().at(-1);
    if (finals.every((final) => isSettled(final, finals, last))) return finals;
    if (performance.now() > until) return finals;
    await delay(logsEveryMs);
  }
}

/** The log of a cluster at rest ends with a checkpoint: of whatever else there is, one is yet to come. */
function isSettled(
  final: Final,
  [first]: readonly Final[],
  last: Pick<LogEntry, "index" | "kind"> | undefined,
): boolean {
  const { appliedIndex, checkpoint } = final;
  const same = checkpoint?.index === first?.checkpoint?.index;
  const atRest = last?.kind === "checkpoint" && appliedIndex >= last.index;
  return atRest && checkpoint !== null && same;
}

async function finalOf({ name, url }: SubjectNode): Promise<Final> {
  const [status, counter] = await Promise.all([
    get(`${url}/status`, statusSchema),
    get(`${url}/counter?consistency=local`, counterSchema),
  ]);
  const index = status?.checkpoint?.index;
  const receipt = index === undefined ? null : await get(`${url}/receipts/${index}`, receiptSchema);
  return {
    node: name,
    appliedIndex: status?.appliedIndex ?? 0,
    value: counter?.value ?? null,
    checkpoint: receipt?.checkpoint ?? null,
  };
}

async function get<T>(url: string, schema: z.ZodType<T>): Promise<T | null> {
  const options = { method: "GET", headers: {}, body: null, timeoutMs: 2_000 } as const;
  const reply = await call({ url, ...options });
  return reply.outcome === "ok" ? (schema.safeParse(reply.body).data ?? null) : null;
}
