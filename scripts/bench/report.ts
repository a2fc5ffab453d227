/** The figures as a person reads them. */
import { columns } from "../cluster/columns.ts";
import { percentile } from "./percentile.ts";
import type { Measurement } from "./throughput.ts";

export type Failovers = { readonly subject: string; readonly milliseconds: readonly number[] };
export type Memory = {
  readonly subject: string;
  readonly member: string;
  readonly idleMiB: number;
  readonly loadedMiB: number;
};

export type Figures = {
  readonly measurements: readonly Measurement[];
  readonly failovers: readonly Failovers[];
  readonly memory: readonly Memory[];
};

/** The subject that the others are compared with comes first. */
export function reportOf({ measurements, failovers, memory }: Figures): string {
  return [
    "load",
    ...columns([
      ["", "conn.", "subject", "req/s", "p50 ms", "p99 ms", "failed", "CPU % leader", "others"],
      ...measurements.map(rowOf),
    ]),
    ...comparison(measurements),
    "",
    "failover: kill -9 of the leader to the next acknowledged write, ms",
    ...columns([["subject", "median", "worst", "all"], ...failovers.map(failoverRow)]),
    "",
    "resident memory, MiB",
    ...columns([
      ["subject", "member", "idle", "loaded"],
      ...memory.map((row) => [row.subject, row.member, fixed(row.idleMiB), fixed(row.loadedMiB)]),
    ]),
  ].join("\n");
}

function rowOf(measurement: Measurement): readonly string[] {
  const { workload, connections, subject, requestsPerSecond, p50Ms, p99Ms, failed } = measurement;
  const cpu = (role: string) =>
    measurement.members
      .filter((member) => member.role === role)
      .map(({ cpuPercent }) => fixed(cpuPercent))
      .join(" ");
  return [
    workload,
    String(connections),
    subject,
    fixed(requestsPerSecond),
    fixed(p50Ms, 2),
    fixed(p99Ms, 2),
    String(failed),
    cpu("leader"),
    cpu("follower"),
  ];
}

function comparison(measurements: readonly Measurement[]): readonly string[] {
  const ours = measurements.filter(({ subject }) => subject === measurements[0]?.subject);
  const rows = ours.flatMap((our) => {
    const their = measurements.find(
      ({ subject, workload, connections }) =>
        subject !== our.subject && workload === our.workload && connections === our.connections,
    );
    if (their === undefined) return [];
    const throughput = our.requestsPerSecond / their.requestsPerSecond;
    return [
      [
        our.workload,
        String(our.connections),
        `${fixed(throughput, 2)}×`,
        `${fixed(our.p50Ms / their.p50Ms, 2)}×`,
        `${fixed(our.p99Ms / their.p99Ms, 2)}×`,
      ],
    ];
  });
  if (rows.length === 0) return [];
  const title = `${ours[0]?.subject} relative to the other`;
  return ["", title, ...columns([["", "conn.", "req/s", "p50", "p99"], ...rows])];
}

function failoverRow({ subject, milliseconds }: Failovers): readonly string[] {
  const ascending = [...milliseconds].sort((a, b) => a - b);
  return [
    subject,
    fixed(percentile(ascending, 0.5)),
    fixed(ascending.at(-1) ?? Number.NaN),
    milliseconds.map((each) => fixed(each)).join(" "),
  ];
}

function fixed(value: number, digits = 0): string {
  return Number.isFinite(value) ? value.toFixed(digits) : "-";
}
