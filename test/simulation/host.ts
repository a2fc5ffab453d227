/**
 * One site's machine room: its processes, its disks, and what the fault model lets hosts do.
 *
 * The member's *right* disk is that of the boot that spoke for it last: it holds all that the
 * member ever acknowledged. A member is *tainted* while it has no right disk, or while a process of
 * it lives on another one (lost, old or copied). Too few members are tainted at a time to stage a
 * cold start (`taint.ts`): whoever asks for more gets the right disk instead.
 */
import type { MemberId } from "../../node/src/consensus/ids.ts";
import { blankDisk, copyOf, type Disk, hashAt } from "./disk.ts";
import { memberAt } from "./names.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";

export type Host = {
  readonly site: number;
  readonly member: MemberId;
  /** What its operator wants: see operators.ts. `gone`: its machines will never come back. */
  purpose: "absent" | "serving" | "leaving" | "gone";
  /** Its operator forgets to end the process of a member that has left. */
  staysUp: boolean;
  /** Living processes, oldest first. */
  readonly processes: Process[];
  /** Copies made earlier. */
  readonly copies: Disk[];
  /** Null once it is lost for good. */
  rightDisk: Disk | null;
  /** Index of the entry that named the boot whose disk is right. */
  rightSinceIndex: number;
  /** Disks that a process will start from soon. */
  readonly awaited: Set<Disk>;
  bootCount: number;
  writeMs: number;
  clockOffsetMs: number;
};

export function createHost(site: number, writeMs: number): Host {
  return {
    site,
    member: memberAt(site),
    purpose: "absent",
    staysUp: false,
    processes: [],
    copies: [],
    rightDisk: blankDisk(),
    rightSinceIndex: 0,
    awaited: new Set(),
    bootCount: 0,
    writeMs,
    clockOffsetMs: 0,
  };
}

export function isTainted(host: Host): boolean {
  reviewRightDisk(host);
  const { rightDisk, processes, awaited } = host;
  // Who is gone says nothing any more, right or wrong.
  if (host.purpose === "gone") return false;
  return (
    rightDisk === null ||
    processes.some(({ disk }) => disk !== rightDisk) ||
    [...awaited].some((disk) => disk !== rightDisk)
  );
}

/** To be called before a process ends: what it durably became still counts. */
export function reviewRightDisk(host: Host): void {
  for (const { replica, disk } of host.processes) {
    const { status, seats, setup } = replica();
    const { member, bootKey } = setup.self;
    const namedAt = seats.namedAt.get(member);
    if (status !== "normal" || namedAt === undefined || namedAt <= host.rightSinceIndex) continue;
    const durable = disk.beforeIndex >= namedAt || hashAt(disk, namedAt) !== undefined;
    if (seats.valid.get(member) !== bootKey || !durable) continue;
    host.rightDisk = disk;
    host.rightSinceIndex = namedAt;
  }
}

/**
 * The disk that a process starts from in place of `ended`.
 *
 * @param mayTaint whether the fault model has room for one more tainted member
 * @returns null when the host keeps another process and must not start a stray one
 */
export function diskAfter(
  host: Host,
  options: {
    readonly ended: Disk;
    readonly wanted: "kept" | "lost" | "old";
    readonly mayTaint: boolean;
    readonly random: Random;
  },
): Disk | null {
  const { ended, wanted, random } = options;
  const allowed = options.mayTaint || isTainted(host);
  if (!allowed || (wanted === "kept" && ended === host.rightDisk)) return rightDiskFree(host);
  const old = host.copies.length > 0 ? random.pick(host.copies) : null;
  const disk = wanted === "kept" ? ended : wanted === "old" && old ? copyOf(old) : blankDisk();
  if (ended === host.rightDisk && wanted !== "kept") host.rightDisk = null;
  return disk;
}

function rightDiskFree({ rightDisk, processes, awaited }: Host): Disk | null {
  const used = processes.some(({ disk }) => disk === rightDisk);
  return used || rightDisk === null || awaited.has(rightDisk) ? null : rightDisk;
}

/** For a second process: a copy of a running one's disk, as it is or as it once was. */
export function clonedDisk(host: Host, old: boolean, random: Random): Disk {
  const earlier = old && host.copies.length > 0 ? random.pick(host.copies) : null;
  const present = random.pick(host.processes).disk;
  return copyOf(earlier ?? present);
}
