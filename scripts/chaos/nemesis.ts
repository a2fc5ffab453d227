/** Carries a schedule out: strikes, holds, heals, and waits until the cluster is well again. */
import { setTimeout as delay } from "node:timers/promises";
import { randomOf } from "../../test/simulation/random.ts";
import { becomes } from "../cluster/wait.ts";
import type { Stage } from "./faults/fault.ts";
import type { Recorder } from "./history.ts";
import type { Watch } from "./observe/watch.ts";
import type { Wellness } from "./observe/wellness.ts";
import { describeTarget, type Planned } from "./schedule/schedule.ts";
import type { Subject } from "./subject.ts";

/** One fault as it came about. */
export type Strike = {
  readonly number: number;
  readonly name: string;
  /** In the schedule's terms, and as a position. */
  readonly target: string;
  readonly position: number;
  readonly plannedMs: number;
  readonly startedNs: number;
  /** When healing began, and when it was done. */
  readonly healNs: number;
  readonly healedNs: number;
  /** When every node served again; `null`: not within the bound, or not waited for. */
  readonly wellNs: number | null;
  readonly affected: readonly number[];
  readonly writesGoOn: boolean;
  readonly detail: string | null;
  /** Why it did not strike; `null` when it did. */
  readonly skipped: string | null;
};

export type NemesisOptions = {
  readonly subject: Subject;
  readonly schedule: readonly Planned[];
  readonly watch: Watch;
  readonly wellness: Wellness;
  readonly recorder: Recorder;
  readonly write: (node: number) => void;
  /** Before each strike: restarted nodes show no entries from before their last snapshot. */
  readonly readLogs: () => Promise<void>;
  /** Told of each as it begins, and of the last one's end. */
  readonly onStrike: (planned: Planned | null) => void;
  /** No further one is begun. */
  readonly signal: AbortSignal;
};

export type NemesisOutcome = {
  readonly strikes: readonly Strike[];
  /** Why the run ended early; `null` when it did not. */
  readonly stuck: string | null;
};

/** Far beyond what it takes on a machine of its own: a shared one may be ten times slower. */
export const wellWithinMs = 120_000;
const leadsWithinMs = 5_000;

export async function runNemesis(options: NemesisOptions): Promise<NemesisOutcome> {
  const { schedule, signal, recorder, onStrike, wellness } = options;
  const strikes: Strike[] = [];
  const beganMs = performance.now();
  for (const planned of schedule) {
    const waitMs = planned.atMs - (performance.now() - beganMs);
    await delay(Math.max(0, waitMs), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    await options.readLogs();
    onStrike(planned);
    const { unhealed, ...struck } = await strikeOnce(options, planned);
    const well = unhealed === null && (await wellness.becomesWell(wellWithinMs));
    strikes.push({ ...struck, wellNs: well ? recorder.nowNs() : null });
    onStrike(null);
    if (well) continue;
    const why = unhealed ?? (await wellness.why());
    return { strikes, stuck: `after ${planned.fault.name}: ${why}` };
  }
  return { strikes, stuck: null };
}

type Done = Omit<Strike, "wellNs"> & {
  /** Why it could not be healed; `null` when it was. */
  readonly unhealed: string | null;
};

async function strikeOnce(options: NemesisOptions, planned: Planned): Promise<Done> {
  const { subject, recorder } = options;
  const { fault, number, atMs, holdMs, target } = planned;
  const stage = stageFor(options, planned);
  const known = {
    number,
    name: fault.name,
    target: describeTarget(planned),
    position: stage.target,
    plannedMs: atMs,
    startedNs: recorder.nowNs(),
    writesGoOn: fault.writesGoOn(target),
  };
  const missing = fault.needs.flatMap((ability) => subject.lacks.get(ability) ?? []);
  const beganMs = performance.now();
  const struck = missing[0] ?? (await fault.strike(stage).catch(reasonOf));
  if (typeof struck === "string") {
    const nowNs = recorder.nowNs();
    const times = { healNs: nowNs, healedNs: nowNs };
    const nothing = { affected: [], detail: null, unhealed: null };
    return { ...known, ...times, ...nothing, skipped: struck };
  }
  const leftMs = Math.max(0, beganMs + holdMs - performance.now());
  await delay(leftMs, undefined, { signal: options.signal }).catch(() => undefined);
  const healNs = recorder.nowNs();
  const unhealed = await struck.heal().then(() => null, reasonOf);
  const { affected, detail = null } = struck;
  const times = { healNs, healedNs: recorder.nowNs() };
  return { ...known, ...times, affected, detail, skipped: null, unhealed };
}

function stageFor(options: NemesisOptions, { offset, seed, holdMs }: Planned): Stage {
  const { subject, watch, write } = options;
  const leader = watch.leader() ?? watch.lastLeader();
  return {
    subject,
    random: randomOf(seed),
    leader,
    target: (leader + offset) % subject.nodes.length,
    holdMs,
    write,
    leaderNow: () => watch.leader() ?? watch.lastLeader(),
    untilLeads: async (node) => void (await becomes(() => watch.leader() === node, leadsWithinMs)),
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
