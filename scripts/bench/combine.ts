/** Several runs of one load as one: rates and latencies by their mean, failures by their sum. */
import type { Measurement, MemberLoad } from "./throughput.ts";

export function combine(runs: readonly Measurement[]): Measurement {
  const [first, ...others] = runs;
  if (first === undefined) throw new Error("there is no run to combine");
  if (others.length === 0) return first;
  return {
    ...first,
    requestsPerSecond: mean(runs.map((run) => run.requestsPerSecond)),
    p50Ms: mean(runs.map((run) => run.p50Ms)),
    p99Ms: mean(runs.map((run) => run.p99Ms)),
    failed: runs.reduce((sum, run) => sum + run.failed, 0),
    members: first.members.map((member, position) => combineMember(member, position, runs)),
  };
}

function combineMember(
  member: MemberLoad,
  position: number,
  runs: readonly Measurement[],
): MemberLoad {
  const loads = runs.map((run) => run.members[position] ?? member);
  return {
    ...member,
    cpuPercent: mean(loads.map((load) => load.cpuPercent)),
    rssMiB: Math.max(...loads.map((load) => load.rssMiB)),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
