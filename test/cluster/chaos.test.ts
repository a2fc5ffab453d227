/** Each fault once, on real processes under load: what `npm run chaos` does for longer. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allFaults } from "../../scripts/chaos/faults/all.ts";
import type { Fault } from "../../scripts/chaos/faults/fault.ts";
import { judge } from "../../scripts/chaos/judge/judge.ts";
import { chaosEnvironment } from "../../scripts/chaos/local/environment.ts";
import { startLocal } from "../../scripts/chaos/local/subject.ts";
import { writeReport } from "../../scripts/chaos/report/files.ts";
import { type Run, run } from "../../scripts/chaos/run.ts";
import { drawSchedule } from "../../scripts/chaos/schedule/schedule.ts";
import type { Subject } from "../../scripts/chaos/subject.ts";

const seed = 1;
const bearable = allFaults.filter(({ beyond }) => beyond !== true);
const nodeEnvironment = { ...chaosEnvironment, SNAPSHOT_EVERY: "500" };
const never = new AbortController().signal;

describe.each([
  { nodeCount: 3, basePort: 19_100, faults: bearable.filter(({ nodesMin }) => nodesMin <= 3) },
  { nodeCount: 5, basePort: 20_500, faults: bearable.filter(({ nodesMin }) => nodesMin > 3) },
])("$nodeCount nodes", ({ nodeCount, basePort, faults }) => {
  let dataDir: string;
  let subject: Subject;
  let failed = true;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "dstack-chaos-"));
    const report = () => undefined;
    const options = { dataDir, nodeCount, basePort, nodeEnvironment, report };
    subject = await startLocal(options, never);
  });

  afterAll(async () => {
    await subject?.stop(failed);
    if (!failed) await rm(dataDir, { recursive: true, force: true });
  });

  test("after each fault the cluster is well again, and clients saw one copy throughout", async () => {
    const durationMs = 0;
    const schedule = drawSchedule({ seed, faults, nodeCount, durationMs, each: true });
    const done = await run({
      subject,
      schedule,
      seed,
      clientCount: 4,
      pauseMs: 10,
      durationMs,
      onProgress: () => undefined,
      signal: never,
    });
    const judgement = judge(done.evidence);
    const { nodes } = subject;
    writeReport(dataDir, { ...done, judgement, seed, nodes, schedule, notes: [] });
    expect(judgement.findings, `kept in ${dataDir}`).toEqual([]);
    expect(notStruck(done)).toEqual(missingFrom(faults, subject));
    expect(namesOf(schedule.map(({ fault }) => fault)).toSorted()).toEqual(
      namesOf(faults).toSorted(),
    );
    expect(done.evidence.strikes).toHaveLength(schedule.length);
    failed = false;
  }, 500_000);
});

/** A fault that this machine cannot bring about says so; any other is one that went wrong. */
function notStruck({ evidence }: Run): readonly string[] {
  return evidence.strikes.filter(({ skipped }) => skipped !== null).map(({ name }) => name);
}

function missingFrom(faults: readonly Fault[], { lacks }: Subject): readonly string[] {
  return namesOf(faults.filter(({ needs }) => needs.some((ability) => lacks.has(ability))));
}

function namesOf(faults: readonly Fault[]): readonly string[] {
  return faults.map(({ name }) => name);
}
