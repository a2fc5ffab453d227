/** Load on one member, and what it costs all of them. */
import { generate } from "./generate.ts";
import type { LoadResult } from "./load.ts";
import type { Member, Subject, Target } from "./subject.ts";
import { usageOf } from "./usage.ts";

export type Workload = "write" | "linearizable read" | "local read";

export type Measurement = LoadResult & {
  readonly subject: string;
  readonly workload: Workload;
  readonly connections: number;
  readonly members: readonly MemberLoad[];
};

export type MemberLoad = {
  readonly name: string;
  readonly role: "leader" | "follower";
  /** Of one core, during the load. */
  readonly cpuPercent: number;
  /** At its end. */
  readonly rssMiB: number;
};

export type Step = {
  readonly workload: Workload;
  readonly connections: number;
  readonly seconds: number;
};

/** Writes go to the leader, reads to a follower: there a linearizable one costs the most. */
export async function measure(subject: Subject, step: Step): Promise<Measurement> {
  const leader = await subject.leader();
  if (leader < 0) throw new Error(`${subject.name} has no leader`);
  const { workload, connections, seconds } = step;
  const before = subject.members.map(usageOf);
  const result = await generate({
    target: targetOf(subject, workload, leader),
    connections,
    seconds,
  });
  const members = subject.members.map((member, position) =>
    loadOf(member, {
      role: position === leader ? "leader" : "follower",
      cpuSecondsBefore: before[position]?.cpuSeconds ?? 0,
      elapsedSeconds: result.elapsedSeconds,
    }),
  );
  return { ...result, subject: subject.name, workload, connections, members };
}

function targetOf(subject: Subject, workload: Workload, leader: number): Target {
  const follower = (leader + 1) % subject.members.length;
  if (workload === "write") return subject.write(leader);
  if (workload === "local read") return subject.localRead(follower);
  return subject.linearizableRead(follower);
}

function loadOf(
  member: Member,
  during: {
    readonly role: MemberLoad["role"];
    readonly cpuSecondsBefore: number;
    readonly elapsedSeconds: number;
  },
): MemberLoad {
  const usage = usageOf(member);
  const cpuSeconds = (usage?.cpuSeconds ?? 0) - during.cpuSecondsBefore;
  return {
    name: member.name,
    role: during.role,
    cpuPercent: (100 * cpuSeconds) / during.elapsedSeconds,
    rssMiB: usage?.rssMiB ?? Number.NaN,
  };
}
